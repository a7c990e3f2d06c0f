import { canonicalJson, type Json, sha256Hex } from '../core/canonical-json.ts'
import { hasCode, StintError } from '../core/errors.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { completeGrant } from './complete-grant.ts'
import type { GrantAnswer } from './grant-view.ts'
import type { GrantParts } from './parts.ts'
import { listOwnGrants, reportActivity, watchGrant } from './read-grants.ts'
import { judgeOnRecord } from './refusals.ts'
import { renewLease } from './renew-lease.ts'
import { checkIdempotencyKey, requestGrant } from './request-grant.ts'
import type { GrantService } from './services.ts'
import { requireOwnGrant, toView } from './view-of.ts'

/** The life of a grant as its agent can drive it. */
export function createGrantService(parts: GrantParts): GrantService {
  const inFlight = new Map<string, Promise<GrantAnswer>>()
  const admit = <T>({ subject }: CallerIdentity, work: () => Promise<T>) => parts.admission.admit(subject, work)
  const judged = <T>(caller: CallerIdentity, work: () => Promise<T>) =>
    admit(caller, () => parts.recordLimits.withinRefusals(caller, work))
  const remembered = async (caller: CallerIdentity, asked: Promise<GrantAnswer>) => {
    const answer = await asked
    if (answer.lease) parts.recordLimits.minted(caller)
    return answer
  }

  return {
    planTask: (caller, task) =>
      judged(caller, async () => {
        const { plan, decision } = await judgeOnRecord(parts, caller, task, parts.clock.now())
        return { plan, decision }
      }),

    requestGrant: (caller, request, signal) =>
      judged(caller, async () => {
        const idempotencyKey = checkIdempotencyKey(request.idempotencyKey)
        await parts.tokens.askIssuer(caller, signal)
        const wanted = { task: request.task, idempotencyKey }
        const work = () => parts.tokens.onRecord(caller, () => requestGrant(parts, caller, wanted, signal))
        const key = flightKey(caller, idempotencyKey, request.task)
        return remembered(caller, shareFlight(inFlight, key, signal, work))
      }),

    // Not under the limit of refusals: a renewal that is refused ends its grant, so it puts itself out of reach.
    renewLease: (caller, grantId, signal) =>
      admit(caller, async () => {
        await parts.tokens.askIssuer(caller, signal)
        const work = () => renewLease(parts, caller, { grantId, by: 'renewal' }, signal)
        return remembered(caller, parts.tokens.onRecord(caller, work))
      }),

    completeGrant: (caller, grantId, note) => completeGrant(parts, caller, grantId, note),
    getGrant: async (caller, grantId) => toView(parts, await requireOwnGrant(parts, caller, grantId)),
    listGrants: (caller, filter, page) => listOwnGrants(parts, caller, filter, page),
    watchGrant: (caller, grantId, signal) => watchGrant(parts, caller, grantId, signal),
    reportActivity: (caller, grantId, activities) =>
      admit(caller, () => {
        parts.recordLimits.admitReports(caller.subject, activities.length)
        return reportActivity(parts, caller, grantId, activities)
      }),
  }
}

/** Callers who have shown other proofs are judged and put on record each by itself, also when they are one agent. */
function flightKey(caller: CallerIdentity, idempotencyKey: string, task: unknown): string {
  const { subject, authMethod, evidence, token } = caller
  const proof = token ? [token.key, token.connection.id] : []
  const whole = { subject, authMethod, evidence, proof, idempotencyKey, task: task ?? null }
  return sha256Hex(canonicalJson(whole as Json))
}

/** Calls that race on one key and task share one mint; one whose leader gave up tries on its own. */
async function shareFlight(
  inFlight: Map<string, Promise<GrantAnswer>>,
  key: string,
  signal: AbortSignal,
  work: () => Promise<GrantAnswer>,
): Promise<GrantAnswer> {
  for (;;) {
    const leader = inFlight.get(key)
    if (!leader) break
    try {
      return await untilAborted(leader, signal)
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
async function untilAborted<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
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
