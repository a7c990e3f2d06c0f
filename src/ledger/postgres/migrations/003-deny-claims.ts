import type { Migration } from './migration.ts'

/**
 * Several replicas take claims on a deny list by turns. `claims` has the last one of each opening: JSON, the latest last, pairs of
 * `[epoch, version]`. The indexes find the next list to claim without looking at those that are not due.
 */
export const denyClaimsMigration: Migration = {
  version: 3,
  name: 'deny-claims',
  readableBy: 1,
  sql: `
ALTER TABLE deny_lists ADD COLUMN claims text;
CREATE INDEX deny_lists_due ON deny_lists (next_attempt_at, n) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX deny_entries_unwritten ON deny_entries (list_key) WHERE written_at IS NULL;
`,
}
