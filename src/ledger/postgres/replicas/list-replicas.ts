import type { Replica } from '../../sharing.ts'
import type { ReadPool } from '../database/read-pool.ts'
import { holdsMigration } from '../migrations/007-holds.ts'

interface ReplicaRow {
  readonly id: string
  readonly version: string | null
  readonly opened_at: number
  readonly seen_at: number
  readonly clock_offset_ms: number | null
  readonly knows: number | null
}

/** See `LedgerSharing.listReplicas`. */
export async function listReplicas(reads: ReadPool): Promise<Replica[]> {
  const text = `SELECT id, version, (extract(epoch FROM opened_at) * 1000)::bigint AS opened_at,
    (extract(epoch FROM seen_at) * 1000)::bigint AS seen_at, clock_offset_ms, knows
    FROM replicas r WHERE closed_at IS NULL ORDER BY r.opened_at, id`
  const [rows = []] = await reads.read([{ name: 'open-replicas', text }])
  return (rows as unknown as readonly ReplicaRow[]).map((row) => ({
    id: row.id,
    openedAt: new Date(row.opened_at),
    seenAt: new Date(row.seen_at),
    knowsHolds: (row.knows ?? 1) >= holdsMigration.version,
    ...(row.version && { version: row.version }),
    ...(row.clock_offset_ms !== null && { clockOffsetMs: row.clock_offset_ms }),
  }))
}
