import { StintError } from '../../core/errors.ts'
import { type AuditEventInput, auditEvent } from '../events/audit-event.ts'
import type { GrantMove, WriteInput } from '../ledger.ts'
import type { Grant, Quarantine, QuarantineCut } from '../records.ts'
import { conflict } from './rule-errors.ts'

/** True for a quarantine that nobody has opened. */
export function isInForce(latest: Quarantine | undefined): latest is Quarantine & { readonly opened?: never } {
  return latest !== undefined && latest.opened === undefined
}

/**
 * P13: a ledger that does not know what was given out after it was copied gives nothing out. The broker's own sessions, which may
 * do nothing, are started all the same: they show whether a deny is in force.
 *
 * @throws {StintError} LEDGER_QUARANTINED
 */
export function requireNoQuarantine(latest: Quarantine | undefined, { authMethod }: Pick<Grant, 'authMethod'>): void {
  if (isInForce(latest) && authMethod !== 'broker') throw quarantined(latest)
}

/** True for a move by which a grant that waits becomes active, or comes nearer to it by the vote of a person. */
export function isApproving({ state }: Pick<Grant, 'state'>, { to, vote }: Pick<GrantMove, 'to' | 'vote'>): boolean {
  return state === 'awaiting_approval' && (to.state === 'active' || vote?.verdict === 'approve')
}

/** The error for whoever wants something from a quarantined ledger. */
export function quarantined({ reason, since, found }: Quarantine): StintError {
  const why = reason === 'restored' ? `a backup was restored (${found})` : `it is an earlier state of itself (${found})`
  const explanation = `The ledger has been quarantined since ${since.toISOString()}, since ${why}. Nothing is granted until an operator with the role admin opens it: stint quarantine show says what to wait for, stint quarantine open opens it.`
  return new StintError('LEDGER_QUARANTINED', { explanation, reason, since: since.toISOString() })
}

/** The quarantine that is in force after a wish for one; the very same record, without an event, if there was one already. */
export function begunQuarantine(
  latest: Quarantine | undefined,
  { quarantine, lastEventAt, supersedes }: WriteInput<'beginQuarantine'>,
): { readonly quarantine: Quarantine; readonly events: readonly AuditEventInput[] } {
  if (isInForce(latest) && !supersedes) return { quarantine: latest, events: [] }
  const number = (latest?.number ?? 0) + 1
  const { reason, since: at, by: actor, found } = quarantine
  const data = { number, reason, found, ...(lastEventAt && { lastEventAt: lastEventAt.toISOString() }) }
  return { quarantine: { ...quarantine, number }, events: [auditEvent('ledger.quarantined', { at, actor, data })] }
}

/**
 * True if a list may be written although a later state of the ledger wrote it: the quarantine still has to cut it. One that it has
 * cut already was written since by a state that the quarantine does not cover.
 */
export function takesOver(latest: Quarantine | undefined, cut: QuarantineCut | undefined): boolean {
  return latest !== undefined && !(cut?.quarantine === latest.number && cut.writtenAt !== undefined)
}

/** A quarantine after it was opened. @throws {StintError} LEDGER_NOT_QUARANTINED, LEDGER_CONFLICT */
export function openedQuarantine(
  latest: Quarantine | undefined,
  { number, opening }: Pick<WriteInput<'openQuarantine'>, 'number' | 'opening'>,
): Quarantine {
  if (!isInForce(latest)) throw notQuarantined()
  if (latest.number !== number) throw conflict('Another quarantine is in force by now: look at it first.', { number })
  return { ...latest, opened: opening }
}

/** The error for whoever wants to open a ledger that is open. */
export function notQuarantined(): StintError {
  return new StintError('LEDGER_NOT_QUARANTINED', { explanation: 'The ledger is open; there is nothing to do.' })
}

// The cut of a deny list

/** Everything that was issued before an instant is over by so long after it: a lease, a session that it made, and a margin. */
export const LONGEST_SESSION_MS = 80 * 60_000
/** Between a write and the instant that it cuts up to, beside the settle time. */
const CUT_LEAD_MS = 15_000

/**
 * The cut that a list must have.
 *
 * A session that a lease makes just before the cut is in force is younger than the write. While the quarantine lasts nothing is
 * issued, so the cut reaches beyond the time that its own write takes to settle, and nobody has to write it twice. A list that
 * is written only after the opening is cut up to the opening: what was issued after that may stay.
 *
 * @param latest the latest quarantine; undefined when there was none.
 * @param known the cut of the list.
 * @param isInPlace true if the document was found with it.
 * @param now the latest of the clocks.
 * @returns `known` itself where nothing changes.
 */
export function wantedCut(
  latest: Quarantine | undefined,
  known: QuarantineCut | undefined,
  { isInPlace, now, settleMs }: { readonly isInPlace: boolean; readonly now: Date; readonly settleMs: number },
): QuarantineCut | undefined {
  if (!latest || latest.number < (known?.quarantine ?? 0)) return known
  const isOurs = known?.quarantine === latest.number
  if (isOurs && (isInPlace || latest.opened)) return known
  const endMs = latest.opened ? latest.opened.at.getTime() : now.getTime() + settleMs + CUT_LEAD_MS
  const before = new Date(Math.ceil(endMs / 1_000) * 1_000)
  return { quarantine: latest.number, before, until: new Date(before.getTime() + LONGEST_SESSION_MS) }
}

/** The cut after a pass over its list. @param found the document had it when the pass began. @param holds it has it now. */
export function cutAfterPass(
  cut: QuarantineCut,
  { found, holds, at, settleMs }: { found: boolean; holds: boolean; at: Date; settleMs: number },
): QuarantineCut {
  if (!holds) {
    const { writtenAt: _, enforcedAt: __, ...unwritten } = cut
    return unwritten
  }
  if (!cut.writtenAt) return { ...cut, writtenAt: at }
  const isSettled = found && at.getTime() >= cut.writtenAt.getTime() + settleMs
  return cut.enforcedAt || !isSettled ? cut : { ...cut, enforcedAt: at }
}
