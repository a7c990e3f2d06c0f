import type { Migration } from './migration.ts'

/** By what a deny came to count as in force. */
export const denyProofsMigration: Migration = {
  version: 10,
  name: 'deny-proofs',
  readableBy: 7,
  sql: 'ALTER TABLE deny_entries ADD COLUMN enforced_by TEXT;',
}
