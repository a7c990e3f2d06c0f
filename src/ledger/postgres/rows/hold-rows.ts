import type { Hold } from '../../holds/hold-records.ts'
import { HOLD_COLUMNS, type HoldRow } from '../../holds/hold-row.ts'
import { toMs, toMsOrNull } from '../../row-values.ts'
import { tableWriter } from './table-spec.ts'

/** Writes holds. */
export const holdWriter = tableWriter<Hold>('holds', 'id', [
  { name: 'id', type: 'text', of: ({ id }) => id, fixed: true },
  { name: 'kind', type: 'text', of: ({ kind }) => kind, fixed: true },
  { name: 'scope', type: 'text', of: ({ scope }) => scope.kind, fixed: true },
  { name: 'value', type: 'text', of: ({ scope }) => scope.value, fixed: true },
  { name: 'since', type: 'bigint', of: ({ since }) => toMs(since), fixed: true },
  { name: 'set_by', type: 'text', of: ({ by }) => by, fixed: true },
  { name: 'why', type: 'text', of: ({ why }) => why, fixed: true },
  { name: 'is_public', type: 'boolean', of: ({ isPublic = false }) => isPublic, fixed: true },
  { name: 'lifted_at', type: 'bigint', of: ({ lifted }) => toMsOrNull(lifted?.at) },
  { name: 'lifted_by', type: 'text', of: ({ lifted }) => lifted?.by ?? null },
  { name: 'lift_note', type: 'text', of: ({ lifted }) => lifted?.note ?? null },
  { name: 'lifted_alone', type: 'boolean', of: ({ lifted }) => lifted?.alone ?? false },
  { name: 'is_running', type: 'boolean', of: ({ isRunning = false }) => isRunning },
  { name: 'claimed_by', type: 'text', of: ({ claimedBy = null }) => claimedBy },
  { name: 'claimed_until', type: 'bigint', of: ({ claimedUntil }) => toMsOrNull(claimedUntil) },
  {
    name: 'progress',
    type: 'text',
    of: ({ progress }) => (progress === undefined ? null : JSON.stringify(progress)),
  },
  { name: 'version', type: 'bigint', of: ({ version }) => version },
])

/** A row of `SELECT_HOLDS_IN_FORCE`: with the columns of a hold only if the generation is another one than asked about. */
export type HoldInForceRow = { readonly generation: number } & (HoldRow | { readonly id: null })

/**
 * The generation of holds, and with another one than `$1` all that are in force: so a batch that knows them reads one number. It is
 * one statement, so that both are of one snapshot.
 */
export const SELECT_HOLDS_IN_FORCE = `SELECT g.generation, ${HOLD_COLUMNS} FROM hold_generation g
  LEFT JOIN holds h ON g.generation <> $1::bigint AND h.lifted_at IS NULL ORDER BY h.n`
