import type { Migration } from './migration.ts'

/**
 * Which ledger this is, and what it last wrote to each deny document, so that a document that somebody else changed, or that a
 * later state of this ledger wrote, is recognised.
 */
export const denyDocumentsMigration: Migration = {
  version: 9,
  name: 'deny-documents',
  readableBy: 7,
  sql: `
CREATE TABLE ledger_identity (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL
) STRICT;
CREATE TABLE ledger_openings (
  epoch INTEGER PRIMARY KEY
) STRICT;

ALTER TABLE deny_lists ADD COLUMN written_digest TEXT;
ALTER TABLE deny_lists ADD COLUMN written_sequence INTEGER;
ALTER TABLE deny_lists ADD COLUMN opened_version INTEGER;
ALTER TABLE deny_lists ADD COLUMN failing_since INTEGER;
`,
}
