import type { Migration } from './migration.ts'

/**
 * A chain for each writer. What was the number of an event is its position from now on; events from before have no chain and
 * no number of their own: their chain has no name, and their number is their position. The hash of an event covers its chain,
 * so a release that does not know chains would find such an event changed.
 */
export const chainsMigration: Migration = {
  version: 5,
  name: 'chains',
  readableBy: 5,
  sql: `
CREATE TABLE chains (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL,
  named_seq INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO chains (id, seq, hash) SELECT '', seq, hash FROM audit_head WHERE seq > 0;
DROP TABLE audit_head;

ALTER TABLE events RENAME COLUMN seq TO position;
ALTER TABLE events ADD COLUMN chain_n INTEGER REFERENCES chains;
ALTER TABLE events ADD COLUMN seq INTEGER;
`,
}
