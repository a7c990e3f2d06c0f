import { StintError } from '../../core/errors.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { Quarantine } from '../../ledger/records.ts'
import { notQuarantined } from '../../ledger/rules/quarantine-rules.ts'
import { type AssessParts, assessQuarantine, type Unfinished } from '../quarantine/assess-quarantine.ts'
import type { Operator } from './operator.ts'

/** Most reasons in one sentence. */
const MAX_NAMED = 5

/**
 * Opens a quarantined ledger once nothing from before it can work. Refusals are on record too.
 *
 * @param words.acceptedRisk why it is opened although something may; without it the call is refused.
 * @throws {StintError} LEDGER_NOT_QUARANTINED; QUARANTINE_UNFINISHED with `details.unfinished`; LEDGER_CONFLICT
 */
export async function openQuarantine(
  parts: AssessParts,
  operator: Operator,
  { note, acceptedRisk }: { readonly note: string; readonly acceptedRisk?: string },
): Promise<Quarantine> {
  const { quarantine, inForce, unfinished } = await assessQuarantine(parts)
  if (!quarantine || !inForce) throw notQuarantined()
  const at = parts.clock.now()
  const actor = operatorActor(operator)
  const { number } = quarantine
  if (unfinished.length > 0 && acceptedRisk === undefined) {
    const data = { number, note, unfinished: unfinished.length }
    await parts.ledger.appendEvents([auditEvent('ledger.opening_refused', { at, actor, data })])
    throw unfinishedError(unfinished)
  }
  // Where there is nothing to wait for, no risk was accepted.
  const risk =
    unfinished.length > 0 && acceptedRisk !== undefined ? { acceptedRisk, unfinished: unfinished.length } : undefined
  failpoint('quarantine.before_open')
  return parts.ledger.openQuarantine({
    number,
    opening: { at, by: actor, note, ...(risk && { acceptedRisk: risk.acceptedRisk }) },
    events: [auditEvent('ledger.opened', { at, actor, data: { number, note, ...risk } })],
  })
}

function unfinishedError(unfinished: readonly Unfinished[]): StintError {
  const named = unfinished.slice(0, MAX_NAMED).map(({ what, explanation, until }) => {
    return `${what}: ${explanation}${until ? `, at the latest at ${until.toISOString()}` : ''}`
  })
  const more = unfinished.length > MAX_NAMED ? `; and ${unfinished.length - MAX_NAMED} more` : ''
  const explanation = `Wait for the following, or say why you accept the risk (--accept-risk): ${named.join('; ')}${more}.`
  const details = unfinished.map(({ kind, what, until }) => ({
    kind,
    what,
    ...(until && { until: until.toISOString() }),
  }))
  return new StintError('QUARANTINE_UNFINISHED', { explanation, unfinished: details })
}
