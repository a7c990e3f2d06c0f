import type { Migration } from './migration.ts'

/** The provider's name of a lease's session. A lease from before has none on record: see `toLease`. */
export const sessionNamesMigration: Migration = {
  version: 4,
  name: 'session-names',
  readableBy: 3,
  sql: `
ALTER TABLE leases ADD COLUMN session_name TEXT;
`,
}
