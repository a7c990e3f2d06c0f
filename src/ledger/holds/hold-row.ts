import type { Json } from '../../core/canonical-json.ts'
import {
  integer,
  knownState,
  type Ms,
  optional,
  optionalFlag,
  optionalInstant,
  present,
  toInstant,
} from '../row-values.ts'
import {
  HOLD_KINDS,
  HOLD_SCOPES,
  type Hold,
  type HoldActor,
  type HoldKind,
  type HoldScopeKind,
} from './hold-records.ts'

/** A row of `SELECT_HOLDS`; flags are 0 or 1 in one store and booleans in the other. */
export interface HoldRow {
  readonly row_id: number
  readonly id: string
  readonly kind: HoldKind
  readonly scope: HoldScopeKind
  readonly value: string
  readonly since: number
  readonly set_by: string
  readonly why: string
  readonly is_public: number | boolean
  readonly lifted_at: Ms
  readonly lifted_by: string | null
  readonly lift_note: string | null
  readonly lifted_alone: number | boolean
  readonly is_running: number | boolean
  readonly claimed_by: string | null
  readonly claimed_until: Ms
  readonly progress: string | null
  readonly version: number
}

/** The columns of a hold, the same in every store, of the table `h`. */
export const HOLD_COLUMNS = `h.n AS row_id, h.id, h.kind, h.scope, h.value, h.since, h.set_by, h.why, h.is_public, h.lifted_at,
  h.lifted_by, h.lift_note, h.lifted_alone, h.is_running, h.claimed_by, h.claimed_until, h.progress, h.version`

/** Holds, with their row number. */
export const SELECT_HOLDS = `SELECT ${HOLD_COLUMNS} FROM holds h`

/** @throws {Error} for a damaged row: then nothing is given out */
export function toHold(row: HoldRow): Hold {
  return {
    id: row.id,
    kind: knownState(row.kind, HOLD_KINDS),
    scope: { kind: knownState(row.scope, HOLD_SCOPES), value: row.value },
    since: toInstant(row.since),
    by: toActor(row.set_by),
    why: row.why,
    ...optionalFlag('isPublic', isSet(row.is_public)),
    ...toLift(row),
    ...optionalFlag('isRunning', isSet(row.is_running)),
    ...optional('claimedBy', row.claimed_by),
    ...optionalInstant('claimedUntil', row.claimed_until),
    ...(row.progress === null ? {} : { progress: JSON.parse(row.progress) as Json }),
    version: integer(row.version),
  }
}

function toLift(row: HoldRow): Pick<Hold, 'lifted'> {
  if (row.lifted_at === null) return {}
  const by = present(row.lifted_by, 'lifted_by')
  if (!isOperator(by)) throw new Error(`${by} is not an operator`)
  const note = present(row.lift_note, 'lift_note')
  return { lifted: { at: toInstant(row.lifted_at), by, note, ...optionalFlag('alone', isSet(row.lifted_alone)) } }
}

function toActor(text: string): HoldActor {
  if (text === 'stint' || text === 'file' || isOperator(text)) return text
  throw new Error(`${text} is neither stint, the file nor an operator`)
}

function isOperator(text: string): text is `operator:${string}` {
  return text.startsWith('operator:')
}

function isSet(flag: number | boolean): boolean {
  return flag === 1 || flag === true
}
