import { type AdoptedRules, judgeAdoption } from '../../rules/rule-set-rules.ts'
import type { RulesAdoption } from '../../sharing.ts'
import type { ReadPool } from '../database/read-pool.ts'
import type { Statement } from '../database/statement.ts'
import type { Unit } from '../units/unit.ts'

/** See `LedgerSharing.adoptRules`. One replica at a time: the identity of the ledger is locked. */
export function adoptRules(digest: string): Unit<RulesAdoption> {
  let adoption: RulesAdoption
  return {
    async prepare(set, run) {
      const [, newest = [], own = [], known = []] = await run([
        LOCK,
        NEWEST,
        { text: 'SELECT rules_digest FROM replicas WHERE id = $1', values: [set.replica] },
        { text: 'SELECT 1 FROM rule_sets WHERE digest = $1 LIMIT 1', values: [digest] },
      ])
      const latest = newest[0] as AdoptedRules | undefined
      const others = `SELECT count(*)::int AS count FROM replicas
        WHERE closed_at IS NULL AND id <> $1 AND rules_digest = $2`
      const [counted = []] = await run([{ text: others, values: [set.replica, latest?.digest ?? ''] }])
      const outcome = judgeAdoption({
        digest,
        newest: latest,
        own: (own[0] as { rules_digest: string | null } | undefined)?.rules_digest ?? undefined,
        isKnown: known.length > 0,
        othersAtNewest: (counted[0] as { count: number } | undefined)?.count ?? 0,
      })
      const number = (latest?.number ?? 0) + 1
      const insert = `INSERT INTO rule_sets (number, digest, adopted_by, adopted_at) VALUES ($1, $2, $3, clock_timestamp())`
      await run([
        ...(outcome === 'adopt' ? [{ text: insert, values: [number, digest, set.replica] }, FORGET_OLD] : []),
        { text: 'UPDATE replicas SET rules_digest = $2 WHERE id = $1', values: [set.replica, digest] },
      ])
      adoption = {
        isNewest: outcome !== 'outdated',
        newestDigest: outcome === 'adopt' ? digest : (latest?.digest ?? digest),
      }
    },
    decide(set) {
      set.isTouched = true
      return adoption
    },
  }
}

/** See `LedgerSharing.newestRules`. */
export async function newestRules(reads: ReadPool): Promise<string | undefined> {
  const [rows = []] = await reads.read([{ name: 'newest-rules', text: NEWEST.text }])
  return (rows[0] as AdoptedRules | undefined)?.digest
}

const LOCK: Statement = { text: 'SELECT id FROM ledger_identity FOR UPDATE' }
const NEWEST: Statement = { text: 'SELECT number::int AS number, digest FROM rule_sets ORDER BY number DESC LIMIT 1' }

/** Rules of long ago need not be known: files that come from there count as new ones. */
const FORGET_OLD: Statement = {
  text: 'DELETE FROM rule_sets WHERE number <= (SELECT max(number) FROM rule_sets) - 1000',
}
