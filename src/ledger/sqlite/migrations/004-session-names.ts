import type { Migration } from './migration.ts'

/** What the provider calls the session of a lease. A lease from before has none on record: see `toLease`. */
export const sessionNamesMigration: Migration = {
  version: 4,
  name: 'session-names',
  readableBy: 3,
  sql: `
ALTER TABLE leases ADD COLUMN session_name TEXT;
`,
}
