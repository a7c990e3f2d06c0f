import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { idBody } from '../../src/core/ids.ts'
import type { AwsCredentials, CredentialProvider, Task } from '../../src/sdk/types.ts'
import { eventually } from '../support/eventually.ts'
import { type ForeignStage, type RunningBroker, setForeignStage } from './foreign-stage.ts'
import { openRadosgw, RADOSGW_SETTINGS, type RadosgwCloud } from './radosgw-cloud.ts'
import { describeWithService } from './service.ts'

const bucket = 'invoices-staging'
const READ = { actions: ['s3:GetObject'], resources: [`arn:aws:s3:::${bucket}/2026/11/*`] }
const WRITE = { actions: ['s3:PutObject'], resources: [`arn:aws:s3:::${bucket}/2026/11/*`] }
const LIST = { actions: ['s3:ListBucket'], resources: [`arn:aws:s3:::${bucket}`] }
/** Two clocks of one machine, and policies that know whole seconds only. */
const TOLERANCE_MS = 2_000
/** Longer than any session that was denied lives, with its margin. */
const AHEAD_MS = 30 * 60_000

/**
 * One request as DESIGN.md draws it, with the agent's SVID over mTLS, the SDK and the admin API, on Ceph radosgw: its STS
 * mints, its IAM keeps the deny list, its S3 refuses.
 */
describeWithService('the flow on Ceph radosgw', RADOSGW_SETTINGS, 'test/third-party/radosgw-up.sh', (settings) => {
  let cloud: RadosgwCloud
  let stage: ForeignStage
  let broker: RunningBroker

  beforeAll(async () => {
    cloud = await openRadosgw(settings, `flow-${Date.now()}`)
    stage = await setForeignStage(cloud)
    broker = await stage.start()
  })
  afterAll(async () => {
    await broker?.stop()
    await stage?.close()
    await cloud?.close()
  })

  const task = (access: Task['access'], ttlSeconds = 900): Task => ({
    purpose: 'to tidy the archive of November',
    roleArn: cloud.roleArn,
    access,
    ttlSeconds,
  })
  const stateOf = async (grantId: string) => {
    const { grant } = await (await broker.admin('vera')).get('/v1/grants/{id}', { path: { id: grantId } })
    const { state, reason } = grant as { state: string; reason?: string }
    return `${state} ${reason ?? ''}`
  }

  test.concurrent('an agent gets by its SDK what it declared, and not another folder, bucket or action', async ({
    expect,
  }) => {
    const credentials = broker.agent.credentials(task([READ, LIST]))
    const session = on(cloud, credentials)
    expect(await session.get('2026/11/one.json')).toBe('allowed')
    expect(await session.list()).toBe('allowed')
    expect(await session.get('2026/12/one.json')).toBe('AccessDenied')
    expect(await session.get('2026/11/one.json', 'invoices-prod')).toBe('AccessDenied')
    expect(await session.put('2026/11/one.json')).toBe('AccessDenied')
    expect(await session.delete('2026/11/one.json')).toBe('AccessDenied')
    await credentials.complete()
  })

  test.concurrent('the end of the lease cuts access within two seconds, with no deny on the list', {
    timeout: 120_000,
  }, async ({ expect }) => {
    // The shortest task there is: its deadline is the end of its one lease.
    const grant = await broker.agent.request(task([READ], 60))
    const { notAfter, ...lease } = await grant.lease()
    const session = on(cloud, fixed(lease))
    let lastAllowedMs = 0
    await eventually(
      'the refusal',
      async () => {
        const startedMs = Date.now()
        if ((await session.get('2026/11/one.json')) !== 'allowed') return true
        lastAllowedMs = startedMs
        return false
      },
      90_000,
    )
    const refusedMs = Date.now()
    expect(lastAllowedMs).toBeGreaterThan(0)
    expect(lastAllowedMs).toBeLessThanOrEqual(notAfter.getTime() + TOLERANCE_MS)
    expect(refusedMs).toBeGreaterThanOrEqual(notAfter.getTime() - TOLERANCE_MS)
    expect((await cloud.denyList()) ?? '').not.toContain(idBody(grant.id))
    await expect.poll(() => stateOf(grant.id), { timeout: 10_000 }).toBe('ended deadline')
    await expect(grant.lease()).rejects.toMatchObject({ code: 'GRANT_NOT_ACTIVE' })
    await grant.close()
  })

  test.concurrent('completion of a plan that writes denies its session and spares its neighbour', async ({
    expect,
  }) => {
    const [done, neighbour] = await Promise.all([
      broker.agent.request(task([WRITE])),
      broker.agent.request(task([WRITE])),
    ])
    const kept = fixed(await done.lease())
    const [held, other] = [on(cloud, kept), on(cloud, neighbour.credentials())]
    expect(await held.put('2026/11/done.json')).toBe('allowed')
    expect(await other.put('2026/11/neighbour.json')).toBe('allowed')
    await done.complete('tidied')
    await expect.poll(() => held.put('2026/11/done.json'), { timeout: 15_000 }).toBe('AccessDenied')
    expect(await other.put('2026/11/neighbour.json')).toBe('allowed')
    await expect.poll(() => stateOf(done.id), { timeout: 15_000 }).toBe('ended completed')
    expect(await other.put('2026/11/neighbour.json')).toBe('allowed')
    expect(await cloud.denyList()).toContain(idBody(done.id))
    expect(await cloud.denyList()).not.toContain(idBody(neighbour.id))
    await neighbour.complete()
  })

  test.concurrent("an operator's revocation stops a session that the agent holds, mid-flight", async ({ expect }) => {
    const grant = await broker.agent.request(task([READ]))
    const session = on(cloud, fixed(await grant.lease()))
    expect(await session.get('2026/11/one.json')).toBe('allowed')
    const answer = await (await broker.admin('oscar')).post('/v1/grants/{id}/revoke', {
      path: { id: grant.id },
      body: { note: 'stop it' },
    })
    expect(answer.outcome).toMatchObject({ kind: 'ending' })
    await expect.poll(() => session.get('2026/11/one.json'), { timeout: 15_000 }).toBe('AccessDenied')
    await expect.poll(() => grant.signal.aborted).toBe(true)
    expect(grant.signal.reason).toMatchObject({ code: 'GRANT_NOT_ACTIVE', details: { reason: 'revoked' } })
    await expect.poll(() => stateOf(grant.id), { timeout: 15_000 }).toBe('ended revoked')
    await grant.close()
  })

  test("a broker whose clock is past every denied session leaves the deny list in the role, since Ceph's clock is not", async () => {
    expect(await cloud.denyList()).toEqual(expect.stringContaining('Deny'))
    await broker.stop()
    broker = await stage.start(ahead(AHEAD_MS))
    await eventually('the problem of the clock', async () => {
      const { problems } = await (await broker.admin('vera')).get('/v1/status')
      return problems.some(({ component }) => component === 'clock')
    })
    expect(await cloud.denyList()).toEqual(expect.stringContaining('Deny'))
  })

  test('all of it is one unbroken record, and none of it went to the practice cloud', async () => {
    const verified = await (await broker.admin('vera')).get('/v1/audit/verify')
    expect(verified).toMatchObject({ verdict: 'unwitnessed' })
    expect(stage.stage.cloud.calls()).toEqual([])
  })
})

/** The system's clock, running ahead by a constant. */
function ahead(byMs: number): Clock {
  return { ...systemClock, now: () => new Date(Date.now() + byMs) }
}

/** Credentials that an agent has kept: nobody renews them. */
function fixed(lease: {
  accessKeyId: string
  secretAccessKey: { reveal(): string }
  sessionToken: { reveal(): string }
}): Omit<AwsCredentials, 'expiration'> {
  const { accessKeyId, secretAccessKey, sessionToken } = lease
  return { accessKeyId, secretAccessKey: secretAccessKey.reveal(), sessionToken: sessionToken.reveal() }
}

/** S3 as one session sees it: each call says `allowed` or the name of its error. */
function on({ endpoint, region }: RadosgwCloud, credentials: CredentialProvider | Omit<AwsCredentials, 'expiration'>) {
  const s3 = new S3Client({ endpoint, region, forcePathStyle: true, maxAttempts: 1, credentials })
  const says = async (call: Promise<unknown>) => {
    try {
      await call
      return 'allowed'
    } catch (error) {
      return (error as Error).name
    }
  }
  return {
    get: (Key: string, Bucket = bucket) =>
      says(s3.send(new GetObjectCommand({ Bucket, Key })).then(({ Body }) => Body?.transformToString())),
    put: (Key: string) => says(s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '{}' }))),
    delete: (Key: string) => says(s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }))),
    list: () => says(s3.send(new ListObjectsV2Command({ Bucket: bucket }))),
  }
}
