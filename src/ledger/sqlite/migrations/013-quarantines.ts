import type { Migration } from './migration.ts'

/**
 * A ledger that was set back is quarantined until an operator opens it. The cut of a deny list is JSON, since it is read and
 * written with its list only: see `cutText`.
 */
export const quarantinesMigration: Migration = {
  version: 13,
  name: 'quarantines',
  // While a quarantine is in force it is this version itself: an earlier release would give out grants.
  readableBy: 7,
  sql: `
CREATE TABLE quarantines (
  number INTEGER PRIMARY KEY,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  begun_by TEXT NOT NULL,
  found TEXT NOT NULL,
  opened_at INTEGER,
  opened_by TEXT,
  opening_note TEXT,
  accepted_risk TEXT
) STRICT;
ALTER TABLE deny_lists ADD COLUMN cut TEXT;
`,
}
