import type { Migration } from './migration.ts'

/** Nothing reads by this index any more, and each grant wrote two of its pages. */
export const noOpenLeasesIndexMigration: Migration = {
  version: 14,
  name: 'no-open-leases-index',
  readableBy: 7,
  sql: `
DROP INDEX IF EXISTS leases_open;
`,
}
