import type { Migration } from './migration.ts'

/** Notices to receivers outside. A release of before neither reads nor sends them: they wait for one that does. */
export const noticesMigration: Migration = {
  version: 17,
  name: 'notices',
  readableBy: 7,
  sql: `
CREATE TABLE notice_endpoints (
  name TEXT NOT NULL PRIMARY KEY,
  record TEXT NOT NULL
) STRICT;
CREATE TABLE notices (
  id TEXT NOT NULL PRIMARY KEY,
  endpoint TEXT NOT NULL,
  key TEXT,
  due_at INTEGER,
  claimed_until INTEGER,
  awaits_endpoint INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX notices_due ON notices (endpoint, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX notices_dead ON notices (id) WHERE due_at IS NULL;
CREATE INDEX notices_key ON notices (endpoint, key) WHERE key IS NOT NULL;
CREATE INDEX notices_created ON notices (created_at);
CREATE TABLE notice_marks (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT;
CREATE INDEX notice_marks_until ON notice_marks (until);
`,
}
