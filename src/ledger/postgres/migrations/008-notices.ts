import type { Migration } from './migration.ts'

/** Notices to receivers outside. See the same step of the SQLite store. */
export const noticesMigration: Migration = {
  version: 8,
  name: 'notices',
  readableBy: 1,
  sql: `
CREATE TABLE notice_endpoints (
  name text PRIMARY KEY,
  record text NOT NULL
);
CREATE TABLE notices (
  id text PRIMARY KEY,
  endpoint text NOT NULL,
  key text,
  due_at bigint,
  claimed_until bigint,
  awaits_endpoint integer NOT NULL,
  created_at bigint NOT NULL,
  record text NOT NULL
);
CREATE INDEX notices_due ON notices (endpoint, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX notices_dead ON notices (id) WHERE due_at IS NULL;
CREATE INDEX notices_key ON notices (endpoint, key) WHERE key IS NOT NULL;
CREATE INDEX notices_created ON notices (created_at);
CREATE TABLE notice_marks (
  key text PRIMARY KEY,
  value text NOT NULL,
  until bigint NOT NULL
);
CREATE INDEX notice_marks_until ON notice_marks (until);
`,
}
