import type { Migration } from './migration.ts'

/** A ledger that was set back is quarantined until an operator opens it. See the same step of the SQLite store. */
export const quarantinesMigration: Migration = {
  version: 5,
  name: 'quarantines',
  // While a quarantine is in force it is this version itself: an earlier release would give out grants.
  readableBy: 1,
  sql: `
CREATE TABLE quarantines (
  number bigint PRIMARY KEY,
  reason text NOT NULL,
  since bigint NOT NULL,
  begun_by text NOT NULL,
  found text NOT NULL,
  opened_at bigint,
  opened_by text,
  opening_note text,
  accepted_risk text
);
ALTER TABLE deny_lists ADD COLUMN cut text;
`,
}
