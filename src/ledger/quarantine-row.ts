import { QUARANTINE_REASONS, type Quarantine, type QuarantineReason } from './records.ts'
import { integer, knownState, type Ms, present, toInstant } from './row-values.ts'

/** A row of `SELECT_QUARANTINES`. */
export interface QuarantineRow {
  readonly number: number
  readonly reason: QuarantineReason
  readonly since: number
  readonly begun_by: string
  readonly found: string
  readonly opened_at: Ms
  readonly opened_by: string | null
  readonly opening_note: string | null
  readonly accepted_risk: string | null
}

/** Quarantines, the same in every store. */
export const SELECT_QUARANTINES = `SELECT number, reason, since, begun_by, found, opened_at, opened_by, opening_note, accepted_risk
  FROM quarantines`

/** The latest quarantine. */
export const SELECT_QUARANTINE = `${SELECT_QUARANTINES} ORDER BY number DESC LIMIT 1`

/** @throws {Error} for a damaged row: then nothing is given out */
export function toQuarantine(row: QuarantineRow): Quarantine {
  return {
    number: integer(row.number),
    reason: knownState(row.reason, QUARANTINE_REASONS),
    since: toInstant(row.since),
    by: toBy(row.begun_by),
    found: row.found,
    ...(row.opened_at === null
      ? {}
      : {
          opened: {
            at: toInstant(row.opened_at),
            by: present(row.opened_by, 'opened_by'),
            note: present(row.opening_note, 'opening_note'),
            ...(row.accepted_risk === null ? {} : { acceptedRisk: row.accepted_risk }),
          },
        }),
  }
}

function toBy(text: string): Quarantine['by'] {
  if (text === 'stint') return text
  if (text.startsWith('operator:')) return text as `operator:${string}`
  throw new Error(`${text} is neither stint nor an operator`)
}
