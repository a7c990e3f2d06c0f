import type { Migration } from './migration.ts'

/** Grants and approvals that their agent withdrew: older brokers read them as rejected, see `stored-states.ts`. See the same step of the SQLite store. */
export const withdrawnMigration: Migration = {
  version: 6,
  name: 'withdrawn',
  readableBy: 1,
  sql: `
ALTER TABLE approvals ADD COLUMN exact_state text;
CREATE INDEX approvals_by_exact_state ON approvals ((coalesce(exact_state, state)), requested_at);
CREATE INDEX grants_withdrawn ON grants (requested_at) WHERE reason = 'withdrawn';
`,
}
