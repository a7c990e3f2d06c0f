import type { Migration } from './migration.ts'

/**
 * The holder of a bearer token: the connection that it last minted by, the grant and the lease that it was first bound for. A
 * token of before has no connection, as if its connection had closed. Everything is added, so the release before can go on.
 */
export const tokenOwnersMigration: Migration = {
  version: 2,
  name: 'token-owners',
  readableBy: 1,
  sql: `
CREATE TABLE connections (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  replica TEXT NOT NULL,
  bound_at INTEGER NOT NULL,
  closed_at INTEGER
) STRICT;

ALTER TABLE tokens ADD COLUMN connection_n INTEGER REFERENCES connections;
ALTER TABLE tokens ADD COLUMN moves INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN grant_id TEXT;
ALTER TABLE tokens ADD COLUMN lease_id TEXT;
ALTER TABLE tokens ADD COLUMN used_by TEXT CHECK (used_by IN ('request', 'renewal'));
CREATE INDEX tokens_by_connection ON tokens (connection_n);
`,
}
