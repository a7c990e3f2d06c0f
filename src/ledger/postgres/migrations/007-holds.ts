import type { Migration } from './migration.ts'

/** Scopes in which nothing is given out. See the same step of the SQLite store. */
export const holdsMigration: Migration = {
  version: 7,
  name: 'holds',
  // While a hold is in force it is this version itself: an earlier release would give out grants.
  readableBy: 1,
  sql: `
CREATE TABLE holds (
  n bigint GENERATED ALWAYS AS IDENTITY,
  id text PRIMARY KEY,
  kind text NOT NULL,
  scope text NOT NULL,
  value text NOT NULL,
  since bigint NOT NULL,
  set_by text NOT NULL,
  why text NOT NULL,
  is_public boolean NOT NULL,
  lifted_at bigint,
  lifted_by text,
  lift_note text,
  lifted_alone boolean NOT NULL,
  is_running boolean NOT NULL,
  claimed_by text,
  claimed_until bigint,
  progress text,
  version bigint NOT NULL
);
CREATE INDEX holds_in_force ON holds (n) WHERE lifted_at IS NULL;
CREATE INDEX holds_running ON holds (n) WHERE is_running;
CREATE INDEX holds_by_time ON holds (since, n);
CREATE TABLE hold_generation (one integer PRIMARY KEY, generation bigint NOT NULL);
INSERT INTO hold_generation (one, generation) VALUES (1, 1);
ALTER TABLE deny_entries ADD COLUMN hold_id text;
CREATE INDEX deny_entries_by_hold ON deny_entries (hold_id) WHERE hold_id IS NOT NULL;
`,
}
