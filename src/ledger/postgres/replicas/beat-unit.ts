import type { Statement } from '../database/statement.ts'
import type { RunStatements, Unit } from '../units/unit.ts'
import type { DatabaseClock } from './database-clock.ts'
import type { ReplicaBeat, ReplicaWatch } from './replica-watch.ts'

/**
 * Shows that this replica is there, by a commit, and looks at the others in the same transaction. One that is silent is fenced off:
 * nothing that it still sends has an effect, and its claims on deny lists are free. What it left `intended` is found by
 * `abandonedLeases`. The clocks are compared by the way.
 *
 * @returns the replicas that were fenced off
 */
export function beat(watch: ReplicaWatch, clock: DatabaseClock): Unit<readonly string[]> {
  let fenced: readonly string[] = []
  return {
    async prepare(set, run) {
      const askedAt = performance.now()
      const others = { name: 'other-replicas', text: OTHERS, values: [set.replica] }
      const [rows = []] = await clock.ask([others, ...clock.writes(set.replica)], run)
      const look = { askedAt, answeredAt: performance.now() }
      fenced = await fenceOff(watch.look(rows as unknown as ReplicaBeat[], look), run)
    },
    decide(set) {
      set.isTouched = true
      return fenced
    },
  }
}

const OTHERS = 'SELECT id, batch, fence FROM replicas WHERE closed_at IS NULL AND id <> $1'

/**
 * A replica that has committed since the look is left alone, and so is one whose row is locked: it is in the middle of a batch, or
 * the server is about to end its session.
 */
async function fenceOff(silent: readonly ReplicaBeat[], run: RunStatements): Promise<string[]> {
  if (silent.length === 0) return []
  const text = `UPDATE replicas SET fence = fence + 1, closed_at = clock_timestamp() WHERE id IN
    (SELECT r.id FROM replicas r JOIN unnest($1::text[], $2::bigint[], $3::bigint[]) AS v(id, batch, fence)
      ON r.id = v.id AND r.batch = v.batch AND r.fence = v.fence
      WHERE r.closed_at IS NULL ORDER BY r.id FOR UPDATE OF r SKIP LOCKED) RETURNING id`
  const values = [silent.map(({ id }) => id), silent.map(({ batch }) => batch), silent.map(({ fence }) => fence)]
  const [rows = []] = await run([{ name: 'fence-silent', text, values }])
  if (rows.length > 0) await run([FREE_CLAIMS])
  return rows.map((row) => row.id as string)
}

/** Claims whose owner is not open any more are given back. Lists are locked in the order in which batches lock them. */
export const FREE_CLAIMS: Statement = {
  text: `UPDATE deny_lists SET claimed_by = NULL, claimed_until = NULL WHERE list_key IN
    (SELECT l.list_key FROM deny_lists l WHERE l.claimed_by IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM replicas r WHERE r.id = l.claimed_by AND r.closed_at IS NULL)
      ORDER BY l.list_key FOR NO KEY UPDATE OF l)`,
}
