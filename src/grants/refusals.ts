import { asStintError, StintError } from '../core/errors.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { auditEvent } from '../ledger/events.ts'
import { type Grant, UNREGISTERED_REASONS } from '../ledger/records.ts'
import type { Decision } from '../policy/decision.ts'
import type { Judgement } from './judge.ts'
import type { GrantParts } from './parts.ts'

/** Judges, and puts a refusal on record before the caller hears of it. @throws {StintError} what `Judge.judge` throws */
export async function judgeOnRecord(
  parts: GrantParts,
  caller: CallerIdentity,
  task: unknown,
  now: Date,
): Promise<Judgement> {
  try {
    parts.clockGuard.check()
    return parts.judge.judge(caller, task, now)
  } catch (thrown) {
    const error = asStintError(thrown)
    await recordRefusal(parts, caller, error, now)
    throw error
  }
}

/** The error for a plan that policy does not allow, with the agent that was judged and the pairs that failed. */
export function deniedError({
  id,
  subject,
  decision,
}: Pick<Grant, 'subject' | 'decision'> & { id?: string }): StintError {
  return new StintError('POLICY_DENIED', {
    ...(id ? { grantId: id } : {}),
    subject,
    explanation: explainDenial(subject, decision),
    failedPairs: decision.failedPairs.slice(0, 20).map((pair) => ({ ...pair, policies: [...pair.policies] })),
    policySetHash: decision.policySetHash,
  })
}

function explainDenial(subject: string, { failedPairs, failedPairsLeftOut = 0 }: Decision): string {
  const [first] = failedPairs
  if (!first) return `Policy denies this task of ${subject}.`
  const where = `${first.action} on ${first.resource}`
  const others = failedPairs.length - 1 + failedPairsLeftOut
  const more = others > 0 ? `, and ${others} more` : ''
  if (first.reason === 'no_permit')
    return `No policy permits ${where}${more} for ${subject}; ask for less, or ask an operator for a policy that permits it.`
  const by = first.policies.join(', ')
  if (first.reason === 'forbidden') return `Policy ${by} forbids ${where}${more} for ${subject}; ask for less.`
  if (by === '') return `Policy could not be evaluated for ${where}${more} and ${subject}; an operator must fix it.`
  return `Policy ${by} could not be evaluated for ${where}${more} and ${subject}; an operator must fix it.`
}

async function recordRefusal(
  { ledger }: GrantParts,
  caller: CallerIdentity,
  error: StintError,
  at: Date,
): Promise<void> {
  const { subject, trustDomain, authMethod, evidence } = caller
  const data = { code: error.code, authMethod, ...evidence }
  const reason = UNREGISTERED_REASONS.find((code) => code === error.code)
  if (reason) {
    const event = auditEvent('agent.refused', { at, actor: subject, data })
    await ledger.noteUnregistered({ subject, trustDomain, authMethod, reason, at, event })
    return
  }
  await ledger.appendEvents([auditEvent('grant.refused', { at, actor: subject, data })])
}
