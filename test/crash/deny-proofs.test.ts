import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { stageCloudPolicies } from '../../src/practice/stage/stage-rules.ts'
import { endBrokers } from '../support/broker-process.ts'
import { eventually } from '../support/eventually.ts'
import { CrashStage, type LedgerView } from './crash-stage.ts'

afterAll(endBrokers)

/** A stage whose one deny list has a canary. */
async function openWithCanary(): Promise<CrashStage> {
  const stage = await CrashStage.open({ leaseTime: '5m' })
  const { cloud, configFile } = stage.stage
  const arn = (name: string) => `arn:aws:iam::${cloud.accountId}:${name}`
  const config = parse(readFileSync(configFile, 'utf8'))
  const [{ revocation }] = config.roles
  revocation.canary = { roleArn: arn('role/stint/canary') }
  writeFileSync(configFile, stringify(config))
  const look = { Effect: 'Allow', Action: 'iam:GetRole', Resource: arn('role/stint/canary') }
  cloud.createRole({
    arn: arn('role/stint/canary'),
    trustPolicy: stageCloudPolicies(arn).trust,
    permissionsBoundary: revocation.policyArn,
    policies: { Look: { Version: '2012-10-17', Statement: [look] } },
  })
  return stage
}

/** P2: nothing was minted that is not on record by its name. */
function expectNoOrphans(stage: CrashStage, { grants }: LedgerView): void {
  const named = new Set(grants.flatMap(({ leases }) => leases.map(({ sessionName }) => sessionName)))
  for (const { arn } of stage.stage.cloud.sessions()) expect(named).toContain(arn.split('/').at(-1))
}

describe('a kill after the write of a deny list, at', () => {
  for (const { failpoint, leases, sessions } of [
    { failpoint: 'canary.before_record', leases: [], sessions: 1 },
    // The agent's own lease passes these first.
    { failpoint: 'issue.after_intent:2', leases: ['intended'], sessions: 1 },
    { failpoint: 'issue.after_mint:2', leases: ['intended'], sessions: 2 },
  ])
    test(`${failpoint}: every session is on record, and the next start proves the deny`, {
      timeout: 240_000,
    }, async () => {
      const stage = await openWithCanary()
      try {
        const first = await stage.start(failpoint)
        const grantId = (await stage.request('key-00000001', 'read'))?.grant.id ?? ''
        await stage.revoke(grantId)
        expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
        const dead = await stage.ledger()
        const own = dead.grants.filter(({ grant }) => grant.subject === 'stint:canary')
        expect(own.flatMap((each) => each.leases.map(({ state }) => state))).toEqual(leases)
        expect(stage.stage.cloud.sessions()).toHaveLength(sessions)
        expectNoOrphans(stage, dead)

        const second = await stage.start()
        await eventually('the proof of the deny', async () => (await stage.stateOf(grantId)) === 'ended')
        expect(await second.stop()).toEqual({ code: 0, signal: null })
        const settled = await stage.ledger()
        expect(settled.grants.find(({ grant }) => grant.id === grantId)?.deny).toMatchObject({ enforcedBy: 'canary' })
        expectNoOrphans(stage, settled)
        for (const { id } of own.flatMap((each) => each.leases))
          expect(settled.grants.flatMap((each) => each.leases).find((lease) => lease.id === id)).toMatchObject({
            outcomeUnknown: true,
          })
      } finally {
        await stage.close()
      }
    })
})
