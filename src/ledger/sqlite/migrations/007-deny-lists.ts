import type { Migration } from './migration.ts'

/**
 * The words of the deny list: what was a target is a deny list with a key, and a lease that it ended is `cut`, since only a
 * grant that policy refused is `denied`. SQLite cannot change a CHECK, so the column is made anew.
 */
export const denyListsMigration: Migration = {
  version: 7,
  name: 'deny-lists',
  readableBy: 7,
  sql: `
ALTER TABLE deny_targets RENAME TO deny_lists;
ALTER TABLE deny_lists RENAME COLUMN target TO list_key;
ALTER TABLE deny_entries RENAME COLUMN target_n TO list_n;
DROP INDEX deny_targets_due;
CREATE INDEX deny_lists_due ON deny_lists (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
DROP INDEX deny_entries_by_target;
CREATE INDEX deny_entries_by_list ON deny_entries (list_n, wanted_at);

ALTER TABLE leases ADD COLUMN ended_by TEXT CHECK (ended_by IN ('expired', 'not_minted', 'cut'));
UPDATE leases SET ended_by = CASE end_kind WHEN 'denied' THEN 'cut' ELSE end_kind END WHERE end_kind IS NOT NULL;
ALTER TABLE leases DROP COLUMN end_kind;
`,
}
