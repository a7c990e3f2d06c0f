import type { AppliedStep } from '../../schema/schema-state.ts'
import type { PgConnection } from '../database/pg-connection.ts'

/** A replica that has not been heard of for so long is not there any more. */
const SILENT_AFTER_SECONDS = 10

/** A broker that has the ledger open. */
export interface LiveReplica {
  readonly id: string
  readonly silentMs: number
  /** The schema version that its release knows. */
  readonly knows: number
}

/** The steps on record, by version; undefined when there is no ledger. */
export async function readApplied(
  connection: PgConnection,
  schema: string,
): Promise<{ hasSchema: boolean; applied: AppliedStep[] | undefined }> {
  const text = `SELECT to_regnamespace(quote_ident($1)) IS NOT NULL AS schema,
    to_regclass(quote_ident($1) || '.migrations') IS NOT NULL AS steps`
  const [found] = await connection.round([{ text, values: [schema] }])
  const { schema: hasSchema = false, steps = false } = (found?.rows[0] ?? {}) as { schema?: boolean; steps?: boolean }
  if (!steps) return { hasSchema, applied: undefined }
  return { hasSchema, applied: await readSteps(connection) }
}

/** The steps on record of a ledger that is there. */
export async function readSteps(connection: PgConnection): Promise<AppliedStep[]> {
  const [answer] = await connection.round([
    { text: 'SELECT version, name, checksum, readable_by FROM migrations ORDER BY version' },
  ])
  return (answer?.rows ?? []) as unknown as AppliedStep[]
}

/** The brokers that use the ledger now. */
export async function readLiveReplicas(connection: PgConnection): Promise<LiveReplica[]> {
  // The whole row as JSON, since version 1 of the schema does not have the column.
  const text = `SELECT id, greatest(0, (extract(epoch FROM clock_timestamp() - seen_at) * 1000)::bigint) AS "silentMs",
    coalesce((to_jsonb(r) ->> 'knows')::integer, 1) AS knows FROM replicas r WHERE closed_at IS NULL
    AND seen_at >= clock_timestamp() - make_interval(secs => $1::double precision) ORDER BY opened_at`
  const [answer] = await connection.round([{ text, values: [SILENT_AFTER_SECONDS] }])
  return (answer?.rows ?? []) as unknown as LiveReplica[]
}
