import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Fault } from '../../src/practice/faults.ts'
import { stageCloudPolicies } from '../../src/practice/stage/stage-rules.ts'
import { endBrokers } from '../support/broker-process.ts'
import { eventually, turns } from '../support/eventually.ts'
import { checkTheDead, checkTheSettled } from './checks.ts'
import { CrashStage } from './crash-stage.ts'

afterAll(endBrokers)

const turn = turns(2)
const OTHER = 'stint/agent-other'
/** What one lease may cost at STS: tries of one mint. */
const TRIES = 3

async function withStage(
  work: (stage: CrashStage) => Promise<void>,
  grants?: Record<string, unknown>,
  prepare: (stage: CrashStage) => void = () => {},
): Promise<void> {
  const stage = await CrashStage.open(grants)
  try {
    prepare(stage)
    const broker = await stage.start()
    await work(stage)
    expect(await broker.stop()).toEqual({ code: 0, signal: null })
    await checkTheDead(stage)
  } finally {
    await stage.close()
  }
}

/** Calls of STS that reached it. */
function mints(stage: CrashStage): number {
  return stage.stage.cloud.calls().filter(({ action }) => action === 'AssumeRole').length
}

describe.concurrent('STS', () => {
  for (const { kind, code, lease } of [
    { kind: 'throttle', code: 'PROVIDER_THROTTLED', lease: { state: 'ended', end: 'not_minted' } },
    { kind: 'error500', code: 'PROVIDER_UNAVAILABLE', lease: { state: 'intended', outcomeUnknown: true } },
    { kind: 'reset', code: 'PROVIDER_UNAVAILABLE', lease: { state: 'intended', outcomeUnknown: true } },
  ] as const satisfies readonly { kind: Fault['kind']; code: string; lease: object }[]) {
    test(
      `${kind} on every call: a named error, no storm, honest leases, and the same grant once it is well`,
      {
        timeout: 240_000,
      },
      () =>
        turn(() =>
          withStage(async (stage) => {
            stage.stage.cloud.setFault({ service: 'sts', kind })
            const keys = Array.from({ length: 12 }, (_, n) => `key-ill-0000${n}`)
            await Promise.all(keys.map((key) => stage.request(key, 'read', 8_000)))
            expect(stage.answers).toEqual([])
            expect(new Set(stage.errors.map((error) => error.code))).toContain(code)
            for (const error of stage.errors)
              expect([code, 'DEADLINE_EXCEEDED', 'PROVIDER_UNAVAILABLE']).toContain(error.code)

            const vera = await stage.admin('vera')
            const { items } = await vera.get('/v1/grants', { query: { limit: 50 } })
            const leases = await leasesOf(stage, items)
            expect(leases[0]).toMatchObject(lease)
            expect(mints(stage)).toBeLessThanOrEqual(TRIES * leases.length)

            const before = mints(stage)
            stage.stage.cloud.clearFaults()
            const well = await eventually('a lease after the fault', () => stage.request(keys[0] ?? '', 'read'))
            expect(items.map(({ id }) => id)).toContain(well.grant.id)
            expect(well.lease).toBeDefined()
            expect(mints(stage) - before).toBeLessThanOrEqual(2)
          }),
        ),
    )
  }

  test(
    'opens the breaker when it is down: after a handful of failures no more calls go out',
    { timeout: 240_000 },
    () =>
      turn(() =>
        withStage(async (stage) => {
          stage.stage.cloud.setFault({ service: 'sts', kind: 'error500' })
          const fromMs = performance.now()
          for (let n = 0; n < 12; n += 1) await stage.request(`key-down-000${n}`, 'read', 1_000)
          // An open breaker lets one probe through every ten seconds, which a busy machine may take over the twelve requests.
          const probes = Math.floor((performance.now() - fromMs) / 10_000)
          expect(mints(stage)).toBeLessThanOrEqual(6 + probes)
          expect(stage.errors.at(-1)).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true })
        }),
      ),
  )

  test(
    'minted and did not say so: every session has the one name, and a revocation reaches them all',
    {
      timeout: 240_000,
    },
    () =>
      turn(async () => {
        const stage = await CrashStage.open()
        try {
          const broker = await stage.start()
          stage.stage.cloud.setFault({ service: 'sts', action: 'AssumeRole', kind: 'reset_after_effect', times: TRIES })
          const answer = await stage.request('key-00000001', 'read')
          const sessions = stage.stage.cloud.sessions()
          expect(sessions.map(({ sessionName }) => sessionName.split('.').at(1))).toEqual(['1', '1', '1', '2'])
          expect(sessions.every(({ accessKeyId }) => stage.works(accessKeyId))).toBe(true)
          await stage.revoke(answer?.grant.id ?? '')
          await eventually('the end', async () => (await stage.stateOf(answer?.grant.id ?? '')) === 'ended')
          expect(sessions.some(({ accessKeyId }) => stage.works(accessKeyId))).toBe(false)
          await broker.stop()
          await checkTheSettled(stage)
        } finally {
          await stage.close()
        }
      }),
  )

  test(
    'hangs: the caller hears in its own time, others are served, the lease counts as minted',
    {
      timeout: 240_000,
    },
    () =>
      turn(() =>
        withStage(
          async (stage) => {
            const { cloud } = stage.stage
            cloud.setFault({ service: 'sts', resource: `arn:aws:iam::${cloud.accountId}:role/${OTHER}`, kind: 'hang' })
            const hung = stage.request('key-00000001', 'read', 6_000, OTHER)
            await eventually('the call at STS', () => mints(stage) > 0)
            expect((await stage.request('key-00000002', 'read'))?.lease).toBeDefined()
            expect(await hung).toBeUndefined()
            expect(stage.errors.map(({ code }) => code)).toEqual(['DEADLINE_EXCEEDED'])
            cloud.clearFaults()
            const again = await stage.request('key-00000001', 'read', undefined, OTHER)
            const [first] = await leasesOf(stage, [{ id: again?.grant.id ?? '' }])
            expect(first).toMatchObject({ state: 'intended', outcomeUnknown: true })
          },
          {},
          (stage) => addRole(stage, OTHER),
        ),
      ),
  )
})

describe.concurrent('IAM', () => {
  for (const kind of ['error500', 'hang'] as const) {
    test(
      `P10: ${kind} for one policy delays no other's revocation, is shown, and is made good`,
      { timeout: 240_000 },
      () =>
        turn(() =>
          withStage(
            async (stage) => {
              const { cloud } = stage.stage
              const ill = `arn:aws:iam::${cloud.accountId}:policy/stint-boundary`
              const stuck = (await stage.request('key-00000001', 'read'))?.grant.id ?? ''
              const fine = (await stage.request('key-00000002', 'read', undefined, OTHER))?.grant.id ?? ''
              cloud.setFault({ service: 'iam', resource: ill, kind })
              await stage.revoke(stuck)
              await eventually('a write that fails', () => cloud.calls().some(({ service }) => service === 'iam'))
              await stage.revoke(fine)
              await eventually('the end of the other', async () => (await stage.stateOf(fine)) === 'ended', 5_000)
              expect(await stage.stateOf(stuck)).toBe('ending')
              cloud.clearFaults()
              await eventually('the end of the first', async () => (await stage.stateOf(stuck)) === 'ended')
              const works = cloud.sessions().filter(({ accessKeyId }) => stage.works(accessKeyId))
              expect(works).toEqual([])
            },
            {},
            (stage) => addRole(stage, OTHER),
          ),
        ),
    )
  }

  test(
    'P6: takes the deny and enforces it later: ended only when no session works any more',
    { timeout: 240_000 },
    () =>
      turn(() =>
        withStage(
          async (stage) => {
            const { cloud } = stage.stage
            cloud.setPropagationDelayMs(6_000)
            const answer = await stage.request('key-00000001', 'read')
            const id = answer?.grant.id ?? ''
            await stage.revoke(id)
            await eventually('the deny is taken', () =>
              cloud.calls().some(({ action }) => action === 'CreatePolicyVersion'),
            )
            expect(stage.works(answer?.lease?.accessKeyId ?? ''), 'IAM has not enforced it yet').toBe(true)
            expect(await stage.stateOf(id)).toBe('ending')
            await eventually('the end', async () => (await stage.stateOf(id)) === 'ended')
            expect(stage.works(answer?.lease?.accessKeyId ?? '')).toBe(false)
          },
          { settleTime: '9s' },
        ),
      ),
  )
})

async function leasesOf(stage: CrashStage, grants: readonly { id: string }[]): Promise<object[]> {
  const vera = await stage.admin('vera')
  const pages = await Promise.all(grants.map(({ id }) => vera.get('/v1/grants/{id}/leases', { path: { id } })))
  return pages.flatMap(({ items }) => items)
}

/** A second role with a boundary of its own, and a revoker who may write both. */
function addRole({ stage }: CrashStage, name: string): void {
  const { cloud, folder, configFile } = stage
  const arn = (resource: string) => `arn:aws:iam::${cloud.accountId}:${resource}`
  const policies = stageCloudPolicies(arn)
  const boundary = arn('policy/other-boundary')
  cloud.createPolicy({ arn: boundary, document: policies.boundary })
  cloud.createRole({
    arn: arn(`role/${name}`),
    trustPolicy: policies.trust,
    policies: { data: policies.role },
    permissionsBoundary: boundary,
  })
  const allowed = { Effect: 'Allow', Action: 'iam:*', Resource: arn('policy/*') }
  const revoker = cloud.addPrincipal({
    arn: arn('user/other-revoker'),
    policies: [{ Version: '2012-10-17', Statement: [allowed] }],
  })
  writeFileSync(join(folder, 'keys', 'revoker.id'), revoker.accessKeyId)
  writeFileSync(join(folder, 'keys', 'revoker.secret'), revoker.secretAccessKey)
  const config = parse(readFileSync(configFile, 'utf8')) as { roles: object[] }
  config.roles.push({ arn: arn(`role/${name}`), revocation: { kind: 'boundary', policyArn: boundary } })
  writeFileSync(configFile, stringify(config))
}
