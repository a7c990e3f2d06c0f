import { type ErrorCode, hasCode, StintError } from '../core/errors.ts'
import { inputError } from '../core/input-error.ts'
import { failpoint } from '../core/process/failpoint.ts'
import { forecastSession, type SizeForecast, sessionTooLarge } from '../credentials/session-size.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { auditEvent } from '../ledger/events/audit-event.ts'
import type { Ledger, OpenGrant } from '../ledger/ledger.ts'
import type { Grant } from '../ledger/records.ts'
import { taskHash } from '../plan/task.ts'
import { findReuse, type ReuseParts } from './approvals/reuse-approval.ts'
import { checkReach } from './budgets/check-reach.ts'
import { type Judgement, type JudgeOnRecordParts, judgeOnRecord, toDeniedError } from './judge.ts'
import { type GrantAnswer, mintOrEnd } from './mint-lease.ts'
import { describeOpening, type OpenParts } from './open-grant.ts'
import { toView } from './read-grants.ts'
import { type RenewParts, renewLease } from './renew-lease.ts'

const IDEMPOTENCY_KEY = /^[A-Za-z0-9._:-]{8,128}$/

/** @throws {StintError} IDEMPOTENCY_KEY_INVALID */
export function checkIdempotencyKey(key: unknown): string {
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key
  const message = 'must be 8 to 128 characters of A-Z a-z 0-9 . _ : -, chosen anew for each piece of work'
  throw inputError([{ field: 'idempotencyKey', code: 'IDEMPOTENCY_KEY_INVALID', message }])
}

/** Dependencies of requesting a grant; those of renewing too, since a repeated key renews the lease. */
export type RequestParts = RenewParts & OpenParts & JudgeOnRecordParts & ReuseParts

/**
 * Judges a task and, where it may be, opens a grant and mints its first lease. Order of effects: judge, record grant and
 * lease intent in one unit, which spends the bearer token if the call rests on one, mint, record, reveal. A repeat of the
 * key is the same grant with a new lease.
 */
export async function requestGrant(
  parts: RequestParts,
  caller: CallerIdentity,
  { task, idempotencyKey }: { task: unknown; idempotencyKey: string },
  signal: AbortSignal,
): Promise<GrantAnswer> {
  const now = parts.clock.now()
  const judgement = await judgeOnRecord(parts, caller, task, now)
  await checkQuota(parts, caller, idempotencyKey, judgement, now)
  await checkBudgetReach(parts, caller, idempotencyKey, judgement, now)
  await checkSize(parts, caller, idempotencyKey, judgement, now)
  if (signal.aborted)
    throw new StintError('CANCELLED', { explanation: 'The caller cancelled the call before the grant was recorded.' })

  failpoint('request.before_record')
  const token = parts.tokens.describeUse(caller, 'request', now)
  const reuse = await findReuse(parts, caller, judgement, now)
  const describe = (rest: object) => ({
    ...describeOpening(parts, caller, { judgement, idempotencyKey, now, ...rest }),
    ...token,
  })
  const opened = await openUnlessUsedUp(parts.ledger, describe({ reuse }), () => describe({})).catch(
    async (error: unknown) => {
      if (hasCode(error, 'QUOTA_EXCEEDED')) await recordOverQuota(parts.ledger, caller, Number(error.details.open), now)
      if (hasCode(error, 'BUDGET_EXCEEDED')) await recordOverBudget(parts.ledger, caller, error, now)
      if (isHeld(error)) await recordHeld(parts.ledger, caller, error, now)
      throw error
    },
  )
  if (opened.kind === 'existing') return answerRepeat(parts, caller, opened.grant, judgement, signal)
  const { grant, lease } = opened
  if (grant.state === 'denied') throw toDeniedError(grant, judgement.plan)
  if (!lease) return toView(parts, grant)
  return mintOrEnd(parts, { grant, lease, plan: judgement.plan, signal })
}

/** If two requests want the last use of an approval, one gets it; the other waits for a person, as if there were no such approval. */
async function openUnlessUsedUp(
  ledger: Pick<Ledger, 'openGrant'>,
  wanted: OpenGrant,
  otherwise: () => OpenGrant,
): ReturnType<Ledger['openGrant']> {
  try {
    return await ledger.openGrant(wanted)
  } catch (error) {
    if (!wanted.reuse || !hasCode(error, 'LEDGER_CONFLICT')) throw error
    return ledger.openGrant(otherwise())
  }
}

/** The same key again: the same task gets the same grant, as it is by now. */
async function answerRepeat(
  parts: RequestParts,
  caller: CallerIdentity,
  grant: Grant,
  { plan }: Judgement,
  signal: AbortSignal,
): Promise<GrantAnswer> {
  if (grant.taskHash !== taskHash(plan.task)) {
    const explanation = `The key belongs to grant ${grant.id}, whose task differs; choose a new key for a new task.`
    throw new StintError('IDEMPOTENCY_KEY_REUSED', { grantId: grant.id, explanation })
  }
  if (grant.state === 'denied') throw toDeniedError(grant, plan)
  if (grant.state === 'active') {
    return renewLease(parts, caller, { grantId: grant.id, known: grant, by: 'request' }, signal)
  }
  return toView(parts, grant)
}

/** Checks the quota before anything is written. The ledger counts again, since others may open grants at the same time. */
async function checkQuota(
  { ledger, quotas }: RequestParts,
  caller: CallerIdentity,
  idempotencyKey: string,
  judgement: Judgement,
  now: Date,
): Promise<void> {
  if (judgement.decision.outcome === 'deny') return
  const { subject } = caller
  const open = await ledger.countOpenGrants(subject)
  if (open < quotas.openGrantsPerAgent) return
  // A repeat opens nothing: whoever lost the answer about the last grant that fitted has to get it all the same.
  if (await ledger.findGrantByKey(subject, idempotencyKey)) return
  const explanation = `This agent has ${open} open grants; the limit is ${quotas.openGrantsPerAgent}. Complete some first.`
  await recordOverQuota(ledger, caller, open, now)
  throw new StintError('QUOTA_EXCEEDED', { explanation })
}

/** Forecasts the size of a session of this task. */
export function forecastSize(
  { provider }: Pick<RequestParts, 'provider'>,
  { subject }: CallerIdentity,
  { plan, registration: { owner, team } }: Judgement,
): SizeForecast {
  return forecastSession(provider, { roleArn: plan.task.roleArn, subject, owner, team, plan })
}

/** Refuses a session that the cloud refused lately, before the grant is on record and a person is asked to approve it. */
async function checkSize(
  parts: RequestParts,
  caller: CallerIdentity,
  idempotencyKey: string,
  judgement: Judgement,
  now: Date,
): Promise<void> {
  if (judgement.decision.outcome === 'deny') return
  const forecast = forecastSize(parts, caller, judgement)
  if (forecast.kind !== 'refused') return
  const { subject, authMethod, evidence } = caller
  if (await parts.ledger.findGrantByKey(subject, idempotencyKey)) return
  const data = { code: 'SESSION_POLICY_TOO_LARGE', authMethod, ...evidence } as const
  await parts.ledger.appendEvents([auditEvent('grant.refused', { at: now, actor: subject, data })])
  throw sessionTooLarge(forecast)
}

/** Refuses a plan that reaches further than a budget allows, before it is on record and a person is asked to approve it. */
async function checkBudgetReach(
  { ledger, quotas }: RequestParts,
  { subject, ...caller }: CallerIdentity,
  idempotencyKey: string,
  { plan, decision, registration: { owner, team } }: Judgement,
  now: Date,
): Promise<void> {
  if (decision.outcome === 'deny') return
  try {
    checkReach(quotas.budgets, { subject, owner, team }, plan)
  } catch (error) {
    // A repeat opens nothing: its grant may be from before the budget.
    if (!hasCode(error, 'BUDGET_EXCEEDED')) throw error
    if (await ledger.findGrantByKey(subject, idempotencyKey)) return
    await recordOverBudget(ledger, { subject, ...caller }, error, now)
    throw error
  }
}

async function recordOverBudget(
  ledger: Pick<Ledger, 'appendEvents'>,
  { subject, authMethod, evidence }: CallerIdentity,
  { details: { budget, measure, used, limit } }: StintError,
  now: Date,
): Promise<void> {
  const about = { budget: String(budget), measure: String(measure) }
  const counts = used === undefined ? {} : { used: Number(used), limit: Number(limit) }
  const data = { code: 'BUDGET_EXCEEDED', authMethod, ...evidence, ...about, ...counts } as const
  await ledger.appendEvents([auditEvent('grant.refused', { at: now, actor: subject, data })])
}

/** Codes of the errors by which a hold stops a request. */
const HELD: readonly ErrorCode[] = ['KILLED', 'AGENT_SUSPENDED', 'AGENT_OFFBOARDED']

function isHeld(error: unknown): error is StintError {
  return error instanceof StintError && HELD.includes(error.code)
}

async function recordHeld(
  ledger: Pick<Ledger, 'appendEvents'>,
  { subject, authMethod, evidence }: CallerIdentity,
  { code, details }: StintError,
  now: Date,
): Promise<void> {
  const data = { code, authMethod, ...evidence, hold: String(details.hold) } as const
  await ledger.appendEvents([auditEvent('grant.refused', { at: now, actor: subject, data })])
}

async function recordOverQuota(
  ledger: Pick<Ledger, 'appendEvents'>,
  { subject, authMethod, evidence }: CallerIdentity,
  open: number,
  now: Date,
): Promise<void> {
  const data = { code: 'QUOTA_EXCEEDED', authMethod, ...evidence, open } as const
  await ledger.appendEvents([auditEvent('grant.refused', { at: now, actor: subject, data })])
}

/**
 * Callers who have shown other proofs are judged and put on record each by itself, also when they are one agent. Two ways of
 * writing one task have two keys: the ledger then finds the grant of the first.
 */
export function toFlightKey(caller: CallerIdentity, idempotencyKey: string, task: unknown): string {
  const { subject, authMethod, evidence, token } = caller
  const proof = token ? [token.key, token.connection.id] : []
  return JSON.stringify([subject, authMethod, evidence, proof, idempotencyKey, task ?? null])
}

/** Calls that race on one key and task share one mint; one whose leader gave up tries on its own. */
export async function shareFlight(
  inFlight: Map<string, Promise<GrantAnswer>>,
  key: string,
  signal: AbortSignal,
  work: () => Promise<GrantAnswer>,
): Promise<GrantAnswer> {
  for (;;) {
    const leader = inFlight.get(key)
    if (!leader) break
    try {
      return await waitUnlessAborted(leader, signal)
    } catch (error) {
      if (!hasCode(error, 'CANCELLED') || signal.aborted) throw error
    }
  }
  const flight = work()
  inFlight.set(key, flight)
  try {
    return await flight
  } finally {
    inFlight.delete(key)
  }
}

/** The outcome of shared work, as long as this caller waits for it; the work goes on without it. @throws {StintError} CANCELLED */
async function waitUnlessAborted<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const giveUp = () => {
    const explanation = 'The caller cancelled the call while an equal call of its own was in progress.'
    aborted.reject(new StintError('CANCELLED', { explanation }))
  }
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([shared, aborted.promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
