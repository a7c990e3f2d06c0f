import type { Migration } from './migration.ts'

/**
 * Scopes in which nothing is given out. The generation goes up with each hold that is set or lifted, so that a unit can tell at the
 * price of one number whether it knows all of them.
 */
export const holdsMigration: Migration = {
  version: 16,
  name: 'holds',
  // While a hold is in force it is this version itself: an earlier release would give out grants.
  readableBy: 7,
  sql: `
CREATE TABLE holds (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  scope TEXT NOT NULL,
  value TEXT NOT NULL,
  since INTEGER NOT NULL,
  set_by TEXT NOT NULL,
  why TEXT NOT NULL,
  is_public INTEGER NOT NULL,
  lifted_at INTEGER,
  lifted_by TEXT,
  lift_note TEXT,
  lifted_alone INTEGER NOT NULL,
  is_running INTEGER NOT NULL,
  claimed_by TEXT,
  claimed_until INTEGER,
  progress TEXT,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX holds_in_force ON holds (n) WHERE lifted_at IS NULL;
CREATE INDEX holds_running ON holds (n) WHERE is_running = 1;
CREATE INDEX holds_by_time ON holds (since);
CREATE TABLE hold_generation (one INTEGER PRIMARY KEY, generation INTEGER NOT NULL) STRICT;
INSERT INTO hold_generation (one, generation) VALUES (1, 1);
ALTER TABLE deny_entries ADD COLUMN hold_id TEXT;
CREATE INDEX deny_entries_by_hold ON deny_entries (hold_id) WHERE hold_id IS NOT NULL;
`,
}
