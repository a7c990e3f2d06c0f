import type { Migration } from './migration.ts'

/** An approved grant waits for its agent to collect it: see `claim-rules.ts`, which says what older brokers read. */
export const claimsMigration: Migration = {
  version: 11,
  name: 'claims',
  readableBy: 1,
  sql: `
ALTER TABLE grants ADD COLUMN claim_by bigint;
`,
}
