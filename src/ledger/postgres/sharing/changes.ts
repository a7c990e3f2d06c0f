import type { SeenGrant, WatermarkMarks } from '../../sharing.ts'
import type { ReadPool } from '../database/read-pool.ts'
import type { Statement } from '../database/statement.ts'

/** For many more at once the planner would read the whole table instead of asking its index. */
const CHUNK = 500

/** See `LedgerSharing.findChanged`. Only what has changed comes back. */
export async function findChanged(reads: ReadPool, grants: readonly SeenGrant[]): Promise<string[]> {
  const text = `SELECT v.id FROM unnest($1::text[], $2::bigint[]) AS v(id, version)
    LEFT JOIN grants g ON g.id = v.id WHERE g.version IS DISTINCT FROM v.version`
  const statements = chunks(grants).map((chunk) => ({
    name: 'changed-grants',
    text,
    values: [chunk.map(({ grantId }) => grantId), chunk.map(({ version }) => version)],
  }))
  const answers = await reads.read(statements)
  return answers.flat().map((row) => (row as { id: string }).id)
}

function chunks(grants: readonly SeenGrant[]): SeenGrant[][] {
  const count = Math.ceil(grants.length / CHUNK)
  return Array.from({ length: count }, (_, n) => grants.slice(n * CHUNK, (n + 1) * CHUNK))
}

const COMMON: Statement = {
  name: 'common-watermarks',
  text: 'SELECT sum(hashtextextended(list_key, watermark)) AS mark FROM deny_lists WHERE watermark IS NOT NULL',
}

/** See `LedgerSharing.watermarkMarks`. */
export async function watermarkMarks(reads: ReadPool, agents: readonly string[]): Promise<WatermarkMarks> {
  const text = `SELECT agent, sum(hashtextextended(list_key, before)) AS mark FROM deny_agents
    WHERE agent = ANY($1::text[]) GROUP BY agent`
  const byAgent = { name: 'agent-watermarks', text, values: [agents] }
  const [common = [], found = []] = await reads.read([COMMON, byAgent])
  const marks = found as unknown as readonly { agent: string; mark: string }[]
  return {
    byAgent: new Map(marks.map(({ agent, mark }) => [agent, mark])),
    common: (common[0] as { mark: string | null } | undefined)?.mark ?? '',
  }
}
