import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { asStintError, type ErrorCode } from '../../core/errors.ts'
import { isEvent } from '../../ledger/events/audit-event.ts'
import type { Grant } from '../../sdk/grant.ts'
import type { AwsCredentials, GrantInfo, Task } from '../../sdk/types.ts'
import { createTrustDomain } from '../stage/pki.ts'
import type { DemoOperator, DemoStage } from './demo-stage.ts'

/** Where the story goes. Each line is one thing that was seen to be so. */
export interface Narrator {
  /** A new numbered step. */
  step(title: string): void
  /** The aim of a step. */
  tell(text: string): void
  /** It worked, as it should. */
  worked(text: string): void
  /** It waits for somebody, as it should. */
  waits(text: string): void
  /** It was refused, as it should be. */
  refused(text: string): void
}

/** Thrown when something did not happen as the story says. */
export class StoryBroken extends Error {
  override readonly name = 'StoryBroken'
}

const [STAGING, PROD] = ['invoices-staging', 'invoices-prod']
const [ONE, TWO] = ['2026/11/one.json', '2026/11/two.json']
/** An agent cannot tell a broker that hangs up on it from one that is down, so its SDK tries until this is over. */
const STRANGER_MS = 1_000
/** Far more than fit into the second that a revocation takes here. */
const UPLOADS_AT_MOST = 20_000
const LOOK_EVERY_MS = 250
const LOOKS_AT_MOST = 80

/** Plays the whole story; every step checks what it tells. @throws {StoryBroken} */
export async function playStory(demo: DemoStage, narrator: Narrator): Promise<void> {
  const bot = await demo.agent('/agents/invoice-bot')
  const cast: Cast = { demo, narrator, bot }
  await readWithinTheTask(cast)
  await tooWide(cast)
  await strangers(cast)
  await wholeEnvironment(cast)
  const approved = await gate(cast)
  await completed(cast, approved)
  await policyChanged(cast)
  await killed(cast)
  await record(cast, approved.grant)
}

interface Cast {
  readonly demo: DemoStage
  readonly narrator: Narrator
  readonly bot: Awaited<ReturnType<DemoStage['agent']>>
}

async function readWithinTheTask({ demo, narrator, bot }: Cast): Promise<void> {
  narrator.step('An agent says what it is about to do, and gets credentials for that')
  narrator.tell(`${bot.spiffeId} shows its certificate (mTLS) and asks to read ${STAGING}/2026 for 10 minutes.`)
  const read = createTask(demo, 'Read the November invoices', ['s3:GetObject'], [`${STAGING}/2026/*`])
  const grant = await bot.stint.request(read)
  const lease = await grant.lease()
  const policies = grant.info.decision?.determiningPolicies.join(', ') ?? ''
  const minutes = Math.round((lease.notAfter.getTime() - Date.now()) / 60_000)
  narrator.worked(
    `grant ${grant.id}, by policy ${policies}; credentials for ${minutes} minutes, renewed while it works`,
  )
  const s3 = demo.s3(grant.credentials())
  narrator.worked(`GetObject ${STAGING}/${ONE}: ${await get(s3, STAGING, ONE)}`)

  narrator.step('The same credentials can do nothing else')
  narrator.tell('The role behind them may do s3:* on both buckets; the session policy of this task may not.')
  for (const { what, attempt } of [
    { what: `GetObject ${PROD}/${ONE}`, attempt: () => get(s3, PROD, ONE) },
    { what: `DeleteObject ${STAGING}/${ONE}`, attempt: () => remove(s3, STAGING, ONE) },
  ]) {
    narrator.refused(`${what}: ${await accessDenied(what, attempt, 'no session policy allows')}`)
  }
  await grant.complete('read what was needed')
}

async function tooWide({ demo, narrator, bot: { stint } }: Cast): Promise<void> {
  narrator.step('A plan that is too wide gets no credentials at all')
  const wide = createTask(demo, 'Tidy up all the invoices', ['s3:DeleteObject'], ['invoices-*/*'])
  narrator.tell('The agent asks to delete in invoices-*, and to read everything there is.')
  narrator.refused(await refusal('a delete that touches production', () => stint.request(wide), 'POLICY_DENIED'))
  const everything: Task = {
    ...createTask(demo, 'Look at everything', ['s3:GetObject'], []),
    access: [{ actions: ['s3:GetObject'], resources: ['*'] }],
  }
  narrator.refused(await refusal('a read of everything', () => stint.request(everything), 'RESOURCE_TOO_WIDE'))
}

async function strangers({ demo, narrator, bot }: Cast): Promise<void> {
  narrator.step('Strangers get nothing, and are on record')
  const task = createTask(demo, 'Read the November invoices', ['s3:GetObject'], [`${STAGING}/2026/*`])
  const foreign = await demo.agent('/agents/invoice-bot', await createTrustDomain('elsewhere.example'))
  const asForeign = () => foreign.stint.requestGrant(task, 'demo-foreign', { deadlineMs: STRANGER_MS })
  const { code } = asStintError(await failure('a foreign trust domain', asForeign))
  foreign.stint.close()
  const events = (await operate(demo, 'vera', 'audit', 'export')).split('\n').filter(Boolean).map(parseEvent)
  const refused = events.find((event) => isEvent('identity.refused', event))
  check(refused?.data?.reason === 'handshake', 'the foreign trust domain is not on record')
  narrator.refused(`${foreign.spiffeId}: ${code}; TLS lets it in no further than the handshake (event ${refused.seq})`)

  const unknown = await demo.agent('/agents/nobody-owns-me')
  const asUnknown = () => unknown.stint.requestGrant(task, 'demo-unregistered')
  narrator.refused(await refusal('an unregistered agent', asUnknown, 'AGENT_UNREGISTERED'))
  const listed = await operate(demo, 'vera', 'agents', 'unregistered')
  check(listed.includes(unknown.spiffeId), 'the unregistered agent is not listed')
  check(!listed.includes(bot.spiffeId), 'a registered agent is listed as unregistered')
  narrator.worked('stint agents unregistered: shows it to the operators')
}

function parseEvent(line: string): { seq?: number; type?: string; data?: { reason?: string } } {
  return JSON.parse(line)
}

/** Lines of the approver's page that the story shows; the page has many more. */
const SHOWN = /^(?:Asks to|destructive|write|Blast radius|Must approve):| {23}(?:s3:|Touches|The role)/

async function wholeEnvironment({ demo, narrator, bot: { stint } }: Cast): Promise<void> {
  narrator.step('Deleting a whole environment stops at the gate')
  const [bucket, objects] = [`arn:aws:s3:::${STAGING}`, `arn:aws:s3:::${STAGING}/*`]
  const task: Task = {
    ...createTask(demo, 'Delete the staging environment and create it anew', [], []),
    access: [
      { actions: ['s3:DeleteBucket', 's3:CreateBucket'], resources: [bucket] },
      { actions: ['s3:DeleteObject', 's3:PutObject'], resources: [objects] },
    ],
  }
  const { passed, waiting } = await ask(stint, task)
  const { id, approvalId = '', planHash } = waiting
  narrator.waits(`grant ${id} waits for two of the owners; the agent holds nothing. They see, among other lines:`)
  check(
    demo.stage.cloud.liveSessions().every(({ sourceIdentity }) => !id.endsWith(sourceIdentity ?? ' ')),
    'credentials exist before the approval',
  )
  const shown = await operate(demo, 'olga', 'approvals', 'show', approvalId)
  check(shown.includes(planHash) && shown.includes('s3:DeleteBucket'), 'the approver is not shown the plan')
  for (const line of shown.split('\n').filter((one) => SHOWN.test(one))) narrator.tell(line)
  const note = 'only the duplicates of November'
  await operate(demo, 'olga', 'approvals', 'reject', approvalId, '--plan-hash', planHash, '--note', note)
  narrator.refused(`olga rejects it. ${await refusal('a rejected plan', () => passed, 'APPROVAL_REJECTED')}`)
}

/** Asks for a grant, and comes back once it waits. */
async function ask(stint: Cast['bot']['stint'], task: Task): Promise<{ passed: Promise<Grant>; waiting: GrantInfo }> {
  const waiting = Promise.withResolvers<GrantInfo>()
  const passed = stint.request(task, { onAwaitingApproval: (_id, grant) => waiting.resolve(grant) })
  passed.catch(waiting.reject)
  return { passed, waiting: await waiting.promise }
}

/** A delete that two people have let through, with the credentials that did it. */
interface Approved {
  readonly grant: Grant
  readonly keys: AwsCredentials
}

async function gate({ demo, narrator, bot: { stint } }: Cast): Promise<Approved> {
  narrator.step('A narrower plan is approved by two people, and runs')
  const purpose = 'Delete the November invoices that were sent twice'
  const task = createTask(demo, purpose, ['s3:DeleteObject'], [`${STAGING}/2026/11/*`])
  const { passed, waiting } = await ask(stint, task)
  const { id, approvalId = '', planHash } = waiting
  narrator.waits(`grant ${id} waits for approval ${approvalId}, bound to plan ${planHash.slice(0, 12)}…`)
  const approve = (who: DemoOperator) =>
    operate(demo, who, 'approvals', 'approve', approvalId, '--plan-hash', planHash, '--note', 'FIN-7 lists them')
  await approve('olga')
  const { state } = await stint.getGrant(id)
  check(state === 'awaiting_approval', `one vote of two made the grant ${state}`)
  narrator.waits('olga of the owners: stint approvals approve. One vote of two; the agent still holds nothing')
  await approve('owen')
  narrator.worked('owen of the owners: stint approvals approve. Two votes of two')
  const grant = await passed
  const keys = await grant.credentials()()
  await remove(demo.s3(keys), STAGING, ONE)
  check(demo.stage.cloud.object(STAGING, ONE) === undefined, 'the approved delete did nothing')
  narrator.worked(`DeleteObject ${STAGING}/${ONE}: gone, under grant ${grant.id}`)
  return { grant, keys }
}

async function completed({ demo, narrator, bot }: Cast, { grant, keys }: Approved): Promise<void> {
  narrator.step('The task is over, and the same credentials stop working')
  const { notAfter } = await grant.lease()
  const sinceMs = performance.now()
  const info = await grant.complete('the duplicates are gone')
  narrator.tell(
    `The agent says that it is done. Left alone, its keys would have worked until ${notAfter.toISOString()}.`,
  )
  check(info.state === 'ending' || info.state === 'ended', `a completed grant is ${info.state}`)
  const ended = await untilEnded(bot.stint, grant.id)
  const seconds = ((performance.now() - sinceMs) / 1_000).toFixed(1)
  narrator.worked(`grant ${grant.id} is ended (${ended.reason}) after ${seconds} s: its deny is written and enforced`)
  const what = `DeleteObject ${STAGING}/${TWO}`
  const sentence = await accessDenied(what, () => remove(demo.s3(keys), STAGING, TWO), 'explicit deny')
  narrator.refused(`${what}, with ${keys.accessKeyId} again: ${sentence}`)
  check(demo.stage.cloud.object(STAGING, TWO) !== undefined, 'dead credentials deleted an object')
}

async function policyChanged({ demo, narrator, bot: { stint } }: Cast): Promise<void> {
  narrator.step('Policy changes, and a grant that it no longer permits ends')
  const write = createTask(demo, 'Upload the December invoices', ['s3:PutObject'], [`${STAGING}/2026/12/*`])
  const grant = await stint.request(write)
  await upload(demo.s3(await grant.credentials()()), 1)
  narrator.tell(`Under grant ${grant.id} the agent uploads invoices. The platform team adds a policy file:`)
  narrator.tell(FREEZE)
  const file = join(demo.stage.folder, 'policies', 'freeze.cedar')
  await writeFile(file, `@id("staging-freeze")\n${FREEZE}\n`)
  const ended = await untilEnded(stint, grant.id)
  check(ended.reason === 'policy_changed', `the grant ended as ${ended.reason}`)
  narrator.worked(`grant ${grant.id} is ended (${ended.reason}): every active grant is judged by the policy of now`)
  await rm(file)
  await untilPermitted(stint, write)
}

/** Waits until the broker has read that the freeze is over. */
async function untilPermitted(stint: Cast['bot']['stint'], task: Task): Promise<void> {
  for (let look = 0; look < LOOKS_AT_MOST; look += 1) {
    const { decision } = await stint.planTask(task)
    if (decision?.outcome === 'permit') return
    await setTimeout(LOOK_EVERY_MS)
  }
  throw new StoryBroken('the policy is frozen for ever')
}

/** The policy that the demo adds for a moment. */
const FREEZE = 'forbid (principal, action, resource) when { resource.touches.contains("env:staging") };'

async function killed({ demo, narrator, bot: { stint, spiffeId } }: Cast): Promise<void> {
  narrator.step('The kill switch ends an agent in the middle of its work')
  const write = createTask(demo, 'Upload the January invoices', ['s3:PutObject'], [`${STAGING}/2026/12/*`])
  const grant = await stint.request(write)
  const s3 = demo.s3(await grant.credentials()())
  await upload(s3, 1)
  narrator.tell('The agent uploads one file after the other. Oscar has seen enough:')
  const sinceMs = performance.now()
  await operate(demo, 'oscar', 'kill', 'agent', spiffeId, '--why', 'uploads nobody asked for')
  narrator.worked(`stint kill agent ${spiffeId} --why 'uploads nobody asked for'`)
  let uploads = 1
  const sentence = await accessDenied(
    'an upload after the kill',
    async () => {
      while (uploads < UPLOADS_AT_MOST) await upload(s3, ++uploads)
    },
    'explicit deny',
  )
  const seconds = ((performance.now() - sinceMs) / 1_000).toFixed(1)
  narrator.refused(`PutObject 2026/12/${uploads}.json, ${seconds} s later with the credentials it holds: ${sentence}`)
  const ended = await untilEnded(stint, grant.id)
  check(ended.reason === 'killed', `the grant ended as ${ended.reason}`)
  narrator.refused(
    `and from now on: ${await refusal('a request of a killed agent', () => stint.request(write), 'KILLED')}`,
  )
}

function upload(s3: S3Client, number: number) {
  return s3.send(
    new PutObjectCommand({ Bucket: STAGING, Key: `2026/12/${number}.json`, Body: `{"invoice":${number}}` }),
  )
}

async function record({ demo, narrator }: Cast, { id }: Grant): Promise<void> {
  narrator.step('All of it is on record, and the record shows tampering')
  const events = JSON.parse(await operate(demo, 'vera', 'grants', 'trail', id, '-o', 'json')) as { type: string }[]
  narrator.tell(`stint grants trail ${id}: ${events.map(({ type }) => type).join(', ')}`)
  const [file, copy] = [join(demo.stage.folder, 'record.jsonl'), join(demo.stage.folder, 'copy.jsonl')]
  await operate(demo, 'vera', 'audit', 'export', '--out', file)
  const whole = JSON.parse(await operate(demo, 'vera', 'audit', 'verify', file, '-o', 'json')) as {
    verdict: string
    events: number
  }
  check(whole.verdict === 'unwitnessed', `the record of a running broker is ${whole.verdict}`)
  narrator.worked(`stint audit export, stint audit verify: ${whole.events} events, each as it was written`)
  const text = await readFile(file, 'utf8')
  const forged = text.replace('operator:olga', 'operator:olgb')
  check(forged !== text, 'no event names olga')
  await writeFile(copy, forged)
  const { exitCode, stdout } = await demo.stintAs('vera', 'audit', 'verify', copy, '-o', 'json')
  check(exitCode === 1, 'a forged record verifies')
  const { problem } = JSON.parse(stdout) as { problem: { seq: number; explanation: string } }
  narrator.refused(
    `in a copy, one byte is changed (olga becomes olgb): broken at event ${problem.seq}. ${problem.explanation}`,
  )
}

function createTask(demo: DemoStage, purpose: string, actions: readonly string[], keys: readonly string[]): Task {
  const resources = keys.map((key) => `arn:aws:s3:::${key}`)
  return { purpose, roleArn: demo.roleArn, access: [{ actions, resources }], ttlSeconds: 600 }
}

async function get(s3: S3Client, Bucket: string, Key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return (await Body?.transformToString()) ?? ''
}

async function remove(s3: S3Client, Bucket: string, Key: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket, Key }))
}

/** @returns the cloud's own sentence. */
async function accessDenied(what: string, attempt: () => Promise<unknown>, because: string): Promise<string> {
  const error = await failure(what, attempt)
  const isDenied = error instanceof Error && error.name === 'AccessDenied' && error.message.includes(because)
  check(isDenied, `${what} failed for another reason: ${error}`)
  return `${(error as Error).name}: ${(error as Error).message}`
}

/** @returns the broker's code and sentence. */
async function refusal(what: string, attempt: () => Promise<unknown>, code: ErrorCode): Promise<string> {
  const error = asStintError(await failure(what, attempt))
  check(error.code === code, `${what} was refused with ${error.code}: ${error.message}`)
  return `${error.code}: ${error.details.explanation}`
}

async function failure(what: string, attempt: () => Promise<unknown>): Promise<unknown> {
  try {
    await attempt()
  } catch (error) {
    return error
  }
  throw new StoryBroken(`${what} was let through`)
}

async function operate(demo: DemoStage, who: DemoOperator, ...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await demo.stintAs(who, ...argv)
  check(exitCode === 0, `stint ${argv.join(' ')} exits with ${exitCode}: ${stderr}`)
  return stdout
}

async function untilEnded(stint: Cast['bot']['stint'], grantId: string): Promise<GrantInfo> {
  for await (const grant of stint.watchGrant(grantId)) if (grant.state === 'ended') return grant
  throw new StoryBroken(`grant ${grantId} never ended`)
}

function check(isSo: boolean, broken: string): asserts isSo {
  if (!isSo) throw new StoryBroken(broken)
}
