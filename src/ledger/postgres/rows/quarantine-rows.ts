import type { Quarantine } from '../../records.ts'
import { toMs, toMsOrNull } from '../../row-values.ts'
import { tableWriter } from './table-spec.ts'

/** Writes quarantines. */
export const quarantineWriter = tableWriter<Quarantine>('quarantines', 'number', [
  { name: 'number', type: 'bigint', of: ({ number }) => number, fixed: true },
  { name: 'reason', type: 'text', of: ({ reason }) => reason },
  { name: 'since', type: 'bigint', of: ({ since }) => toMs(since) },
  { name: 'begun_by', type: 'text', of: ({ by }) => by },
  { name: 'found', type: 'text', of: ({ found }) => found },
  { name: 'opened_at', type: 'bigint', of: ({ opened }) => toMsOrNull(opened?.at) },
  { name: 'opened_by', type: 'text', of: ({ opened }) => opened?.by ?? null },
  { name: 'opening_note', type: 'text', of: ({ opened }) => opened?.note ?? null },
  { name: 'accepted_risk', type: 'text', of: ({ opened }) => opened?.acceptedRisk ?? null },
])
