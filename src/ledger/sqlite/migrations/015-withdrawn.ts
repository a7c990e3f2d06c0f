import type { Migration } from './migration.ts'

/** Grants and approvals that their agent withdrew: older brokers read them as rejected, see `stored-states.ts`. */
export const withdrawnMigration: Migration = {
  version: 15,
  name: 'withdrawn',
  readableBy: 7,
  sql: `
ALTER TABLE approvals ADD COLUMN exact_state TEXT;
CREATE INDEX approvals_by_exact_state ON approvals ((coalesce(exact_state, state)), requested_at);
CREATE INDEX grants_withdrawn ON grants (requested_at) WHERE reason = 'withdrawn';
`,
}
