import { GetRoleCommand } from '@aws-sdk/client-iam'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { afterEach, expect, test } from 'vitest'
import { startPracticeCloud } from '../../src/practice/cloud.ts'
import type { Fault } from '../../src/practice/faults.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { spawnPracticeCloud } from './remote-cloud.ts'
import { assume, BROKER, clientsOf, outcome, policy, startStage, TASK_ROLE, TRUST } from './stage.ts'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const cloud of closing.splice(0)) await cloud.close()
})

async function stage() {
  const made = await startStage()
  closing.push(made.cloud)
  return made
}

/** Whether the session exists afterwards is what crash tests build on. */
for (const { kind, code, sessions } of [
  { kind: 'throttle', code: /^Throttling/, sessions: 0 },
  { kind: 'error500', code: /^InternalFailure/, sessions: 0 },
  { kind: 'access_denied', code: /^AccessDenied/, sessions: 0 },
  { kind: 'reset', code: /Error$/, sessions: 0 },
  { kind: 'reset_after_effect', code: /Error$/, sessions: 1 },
] as const)
  test(`the fault ${kind} on AssumeRole leaves ${sessions} sessions`, async () => {
    const { cloud, broker, sts } = await stage()
    const takeBack = cloud.setFault({ service: 'sts', action: 'AssumeRole', kind })
    expect(await outcome(assume(sts(broker)))).toMatch(code)
    expect(cloud.liveSessions()).toHaveLength(sessions)
    expect(await outcome(sts(broker).send(new GetCallerIdentityCommand({})))).toBe('ok')
    takeBack()
    expect(await outcome(assume(sts(broker)))).toBe('ok')
  })

for (const { kind, sessions } of [
  { kind: 'hang', sessions: 0 },
  { kind: 'hang_after_effect', sessions: 1 },
] as const)
  test(`the fault ${kind} holds the call until the cloud closes, with ${sessions} sessions`, async () => {
    const { cloud, broker, sts } = await stage()
    cloud.setFault({ service: 'sts', kind })
    const held = outcome(assume(sts(broker)))
    await expect.poll(() => cloud.callCounts()[`sts:AssumeRole fault:${kind}`]).toBe(1)
    expect(cloud.liveSessions()).toHaveLength(sessions)
    await cloud.close()
    expect(await held).not.toBe('ok')
  })

test('a fault hits as often as it says, only its service, action and resource', async () => {
  const { cloud, broker, sts, iam, s3 } = await stage()
  cloud.setFault({ service: 'sts', action: 'AssumeRole', resource: `${TASK_ROLE}-other`, kind: 'throttle' })
  cloud.setFault({ service: 'iam', kind: 'throttle', times: 1 })
  cloud.setFault({ service: 's3', kind: 'throttle', times: 1 })
  const read = () => outcome(s3(broker).send(new GetObjectCommand({ Bucket: 'invoices', Key: 'in/1.txt' })))
  const look = () => outcome(iam(broker).send(new GetRoleCommand({ RoleName: 'task' })))
  expect([await outcome(assume(sts(broker))), await look(), await look(), await read(), await read()]).toEqual([
    'ok',
    'Throttling',
    'ok',
    'SlowDown',
    'ok',
  ])
})

test('the SDK rides out a throttle that ends', async () => {
  const { cloud, broker, sts } = await stage()
  cloud.setFault({ service: 'sts', kind: 'throttle', times: 1 })
  expect(await outcome(assume(sts(broker, 3)))).toBe('ok')
  expect(cloud.callCounts()).toEqual({ 'sts:AssumeRole Throttling': 1, 'sts:AssumeRole ok': 1 })
})

test('a latency passes by the clock, and the effect comes after it', async () => {
  const { clock, cloud, broker, sts } = await stage()
  let asleep = () => {}
  const reached = new Promise<void>((resolve) => {
    asleep = resolve
  })
  const sleep = clock.sleep.bind(clock)
  clock.sleep = (ms, signal) => {
    asleep()
    return sleep(ms, signal)
  }
  cloud.setFault({ service: 'sts', kind: 'latency', ms: 20 })
  const slow = outcome(assume(sts(broker)))
  await reached
  expect(cloud.liveSessions()).toEqual([])
  await clock.advance(20)
  expect(await slow).toBe('ok')
})

test('bad input to the control surface is named', async () => {
  const { cloud } = await stage()
  const bad: (() => unknown)[] = [
    () => cloud.addPrincipal({ arn: 'nobody' }),
    () => cloud.createRole({ arn: TASK_ROLE, trustPolicy: TRUST }),
    () => cloud.createRole({ arn: `${TASK_ROLE}2`, trustPolicy: '{}' }),
    () => cloud.createBucket('NO'),
    () => cloud.putObject('nowhere', 'x', 'y'),
    () => cloud.setFault({ service: 'sts', kind: 'latency' }),
    () => cloud.setFault({ service: 'sts', kind: 'other' } as unknown as Fault),
    () => cloud.setPropagationDelayMs(-1),
  ]
  for (const act of bad) expect(act).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
})

test('the oldest session is forgotten when there are too many', async () => {
  const clock = new ManualClock()
  const cloud = await startPracticeCloud({ clock, maxSessions: 2 })
  closing.push(cloud)
  const broker = cloud.addPrincipal({ arn: BROKER, policies: [policy({})] })
  cloud.createRole({ arn: TASK_ROLE, trustPolicy: TRUST })
  const client = clientsOf(cloud, clock).sts(broker)
  for (const RoleSessionName of ['g-1', 'g-2', 'g-3']) await assume(client, { RoleSessionName })
  expect(cloud.liveSessions().map((session) => session.sessionName)).toEqual(['g-2', 'g-3'])
})

test('a cloud in another process mints, counts and judges, for those who hold its token', async () => {
  const cloud = await spawnPracticeCloud({ propagationDelayMs: 0 })
  closing.push(cloud)
  const broker = await cloud.addPrincipal({ arn: BROKER, policies: [policy({})] })
  await cloud.createRole({ arn: TASK_ROLE, trustPolicy: TRUST, policies: { all: policy({}) } })
  const now = new ManualClock(new Date().toISOString())
  const { keys } = await assume(clientsOf(cloud, now).sts(broker), { SourceIdentity: 'grant-1' })
  expect(await cloud.call('countSessions')).toEqual({ live: 1, remembered: 1 })
  expect(await cloud.call('liveSessions')).toMatchObject([{ sourceIdentity: 'grant-1', accessKeyId: keys.accessKeyId }])
  expect(
    await cloud.call('allows', { session: keys.accessKeyId, action: 's3:GetObject', resource: 'arn:aws:s3:::x/y' }),
  ).toEqual({ allowed: true })
  await cloud.call('setFault', { service: 'sts', kind: 'throttle', times: 1 })
  expect(await outcome(assume(clientsOf(cloud, now).sts(broker)))).toMatch(/^Throttling/)
  await expect(cloud.call('setFault', { service: 'sts' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  await expect(cloud.call('constructor')).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  const stranger = await fetch(`${cloud.endpoint}/_practice/liveSessions`, {
    method: 'POST',
    headers: { 'x-practice-token': 'guess' },
  })
  expect(stranger.status).toBe(401)
})
