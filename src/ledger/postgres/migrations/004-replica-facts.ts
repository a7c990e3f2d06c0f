import type { Migration } from './migration.ts'

/** Facts about each replica, for people: its version, and its clock minus that of the database. */
export const replicaFactsMigration: Migration = {
  version: 4,
  name: 'replica-facts',
  readableBy: 1,
  sql: `
ALTER TABLE replicas ADD COLUMN version text, ADD COLUMN clock_offset_ms bigint;
`,
}
