import { asStintError, StintError } from '../../src/core/errors.ts'
import type { GrantAnswer } from '../../src/grants/mint-lease.ts'
import { caller, DELETE, OLGA, OSCAR, READ, task, WRITE } from '../support/grant-harness.ts'
import type { Broker } from './broker.ts'
import type { World } from './world.ts'

const CALL_MS = 30_000

/** Calls the broker over a network. Rejects when it is down, dies, does not answer in time, or its answer is lost. */
async function call<T>(
  world: World,
  work: (broker: Broker, signal: AbortSignal) => Promise<T>,
  options: { readonly onAnswer?: (answer: T) => void; readonly cancelMs?: number } = {},
): Promise<T> {
  const { scheduler, chance, faults } = world
  await scheduler.sleep(chance.between(0, 20))
  const { broker } = world
  if (!broker) throw new StintError('BROKER_UNAVAILABLE')
  const cancel = new AbortController()
  const gone = Promise.withResolvers<never>()
  const isGone = () => gone.reject(new StintError('BROKER_UNAVAILABLE'))
  const forget = world.onGone(isGone)
  const end = scheduler.after(options.cancelMs ?? CALL_MS, () => {
    // The broker hears that its caller is gone.
    cancel.abort()
    isGone()
  })
  const answered = work(broker, cancel.signal).then(async (answer) => {
    options.onAnswer?.(answer)
    await broker.process.wait(chance.between(0, 20))
    if (faults.strikes('answers_lost', 0.15)) throw new StintError('BROKER_UNAVAILABLE')
    return answer
  })
  try {
    return await Promise.race([answered, gone.promise])
  } finally {
    end()
    forget()
    answered.catch(() => undefined)
    gone.promise.catch(() => undefined)
  }
}

/** Errors that the contract knows are answers like others; anything else is a mistake of ours. */
function readError(error: unknown): StintError {
  const known = asStintError(error)
  if (known.code === 'INTERNAL') throw error
  return known
}

const KINDS = [READ, READ, WRITE, DELETE]

interface Wanted {
  readonly subject: string
  readonly key: string
  readonly task: object
}

function request(world: World, { subject, key, task: wanted }: Wanted): Promise<GrantAnswer> {
  const { faults, chance, history } = world
  return call(
    world,
    ({ grants }, signal) => grants.requestGrant(caller({ subject }), { task: wanted, idempotencyKey: key }, signal),
    {
      onAnswer: (answer) => history.answered(subject, key, answer),
      ...(faults.strikes('agents_cancel', 0.2) && { cancelMs: chance.between(1, 3_000) }),
    },
  )
}

/** One agent: it asks, waits for people, renews, completes or goes away, and tries again with its key when a call fails. */
export async function agentLife(world: World, subject: string): Promise<void> {
  const { scheduler, chance } = world
  for (let n = 0; !world.isClosing; n += 1) {
    await scheduler.sleep(chance.between(1_000, 60_000))
    const roleArn = chance.pick(world.cloud.roles).arn
    const ttlSeconds = chance.pick([60, 200, 400])
    const wanted = {
      subject,
      key: `key-of-${n}-${subject.at(-1)}`,
      task: task(chance.pick(KINDS), { roleArn, ttlSeconds }),
    }
    if (chance.happens(0.1)) void obtain(world, wanted).catch(readError)
    await doTask(world, wanted)
    if (chance.happens(0.05) && !world.isClosing) await reuseKey(world, wanted)
  }
}

/** One request by itself. @throws {StintError} */
agentLife.askOnce = (world: World, subject: string, key: string): Promise<GrantAnswer> => {
  const [role] = world.cloud.roles
  return request(world, { subject, key, task: task(READ, { roleArn: role?.arn }) })
}

async function doTask(world: World, wanted: Wanted): Promise<void> {
  const { scheduler, chance } = world
  const answer = await obtain(world, wanted)
  if (!answer?.lease) return
  const { subject, key } = wanted
  const grantId = answer.grant.id
  for (let renewals = chance.between(0, 4); renewals > 0 && !world.isClosing; renewals -= 1) {
    await scheduler.sleep(chance.between(5_000, 110_000))
    await call(world, ({ grants }, signal) => grants.renewLease(caller({ subject }), grantId, signal), {
      onAnswer: (renewed) => world.history.answered(subject, key, renewed),
    }).catch(readError)
  }
  // Some agents never say that they are done.
  if (chance.happens(0.25)) return
  await scheduler.sleep(chance.between(100, 60_000))
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const done = await call(world, ({ grants }) => grants.completeGrant(caller({ subject }), grantId, '')).catch(
      readError,
    )
    if (!(done instanceof StintError)) return
    await scheduler.sleep(chance.between(500, 10_000))
  }
}

/** Asks with one key until there is a lease or no hope of one. */
async function obtain(world: World, wanted: Wanted): Promise<GrantAnswer | undefined> {
  const { scheduler, chance } = world
  for (let attempt = 0; attempt < 12 && !world.isClosing; attempt += 1) {
    const answer = await request(world, wanted).catch(readError)
    if (answer instanceof StintError) {
      if (!answer.retryable && answer.code !== 'CANCELLED') return undefined
      await scheduler.sleep(chance.between(200, 15_000))
      continue
    }
    if (answer.lease || answer.grant.state !== 'awaiting_approval') return answer
    await scheduler.sleep(chance.between(5_000, 120_000))
  }
  return undefined
}

/** The same key with another task is an error, whatever became of the first. */
async function reuseKey(world: World, { subject, key }: Wanted): Promise<void> {
  const other = task(
    { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::other/*'] },
    { roleArn: world.cloud.roles[0]?.arn, ttlSeconds: 60 },
  )
  const known = [...world.history.grants.values()].some(
    ({ grant }) => grant.subject === subject && grant.idempotencyKey === key,
  )
  const answer = await request(world, { subject, key, task: other }).catch(readError)
  if (known) world.history.expect(answer instanceof StintError, `P3: key ${key} was taken for another task`)
}

/** People: they answer what waits, revoke now and then, and try what they may not. */
export async function operatorLife(world: World): Promise<void> {
  const { scheduler, chance, history } = world
  while (!world.isClosing) {
    await scheduler.sleep(chance.between(5_000, 60_000))
    const open = [...history.grants.values()].filter(({ grant }) => grant.dueAt !== undefined)
    if (open.length === 0) continue
    const { grant } = chance.pick(open)
    if (grant.state === 'awaiting_approval') await answer(world, grant.id, grant.planHash).catch(readError)
    else if (chance.happens(0.3))
      await call(world, ({ operators }) => operators.revokeGrant(OSCAR, grant.id, 'stop it')).catch(readError)
  }
}

function answer(world: World, grantId: string, planHash: string): Promise<unknown> {
  const { chance } = world
  return call(world, async ({ ledger, operators }) => {
    const approval = await ledger.findApproval(grantId)
    const verdict = chance.happens(0.8) ? 'approve' : 'reject'
    return operators.decideApproval(chance.happens(0.9) ? OLGA : OSCAR, approval?.id ?? 'apr_', {
      verdict,
      planHash,
      note: '',
    })
  })
}
