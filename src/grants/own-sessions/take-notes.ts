import type { Clock } from '../../core/clock.ts'
import { hasCode } from '../../core/errors.ts'
import { later } from '../../core/instant.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Lease } from '../../ledger/records.ts'
import { toLeaseFacts } from '../mint-lease.ts'
import { toOwnGrant } from './own-grant.ts'
import type { SessionNote, SessionNotes } from './session-notes.ts'

/** Longer than a mint takes. */
const OUTCOME_MS = 120_000

/** Dependencies of taking notes into the ledger. */
export interface TakeNotesParts {
  readonly ledger: Pick<Ledger, 'openGrant' | 'settleLease' | 'listLeases'>
  readonly notes: SessionNotes
  readonly clock: Clock
}

/**
 * Takes sessions that another process has noted into the ledger: a grant and a lease each, and how the mint turned out. A note goes
 * once all of it is on record; repeating after a crash changes nothing.
 *
 * @throws the first fault, after all other notes were taken.
 */
export async function takeNotes(parts: TakeNotesParts): Promise<void> {
  const faults: unknown[] = []
  for (const grantId of await parts.notes.list()) {
    try {
      const note = await parts.notes.read(grantId)
      if (note && (await takeNote(parts, note))) await parts.notes.remove(grantId)
    } catch (error) {
      // Another broker was faster; what is left to do of this note is found in the next pass.
      if (!hasCode(error, 'LEDGER_CONFLICT')) faults.push(error)
    }
  }
  if (faults.length > 0) throw faults[0]
}

/** @returns false while the outcome may still be noted. */
async function takeNote({ ledger, clock }: TakeNotesParts, note: SessionNote): Promise<boolean> {
  const now = clock.now()
  const { grant, ...opening } = toOwnGrant(note)
  // Not ended by its deadline, which may be over, before the outcome is on record.
  const dueAt = later(note.notAfter, new Date(now.getTime() + OUTCOME_MS))
  await ledger.openGrant({ ...opening, grant: { ...grant, dueAt } })
  const [lease] = await ledger.listLeases(note.grantId)
  if (lease?.state !== 'intended') return true
  if (!note.outcome && note.mintUntil > now) return false
  await ledger.settleLease(toMove(lease, note, now))
  return true
}

function toMove(lease: Lease, { outcome }: SessionNote, at: Date): Parameters<Ledger['settleLease']>[0] {
  const { id: leaseId, grantId } = lease
  const head = { at, actor: 'stint', grantId, leaseId } as const
  const facts = toLeaseFacts(lease)
  if (!outcome) {
    const events = [auditEvent('lease.unknown', { ...head, data: { ...facts, found: 'in_note' } })]
    return { leaseId, to: 'unknown', events }
  }
  if (outcome.to === 'issued') {
    const { accessKeyId, issuedAt } = outcome
    const events = [auditEvent('lease.issued', { ...head, data: { ...facts, accessKeyId } })]
    return { leaseId, to: 'issued', accessKeyId, issuedAt, events }
  }
  const events = [auditEvent('lease.not_minted', { ...head, data: { ...facts, code: outcome.code } })]
  return { leaseId, to: 'ended', end: 'not_minted', endedAt: at, events }
}
