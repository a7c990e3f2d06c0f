import type { Migration } from './migration.ts'

/**
 * The recent draws on each budget. A release of before draws nothing: what it grants counts among the live grants alone.
 * The indexes count the live and waiting grants of one holder without looking at those that are over.
 */
export const budgetsMigration: Migration = {
  version: 20,
  name: 'budgets',
  readableBy: 7,
  sql: `
CREATE TABLE budget_meters (
  n INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  rolling TEXT NOT NULL,
  until INTEGER NOT NULL
) STRICT;
CREATE INDEX budget_meters_until ON budget_meters (until);
CREATE INDEX grants_open_by_owner ON grants (owner_n, state) WHERE state IN ('awaiting_approval', 'active', 'ending');
CREATE INDEX grants_open_by_team ON grants (team_n, state) WHERE state IN ('awaiting_approval', 'active', 'ending');
CREATE INDEX grants_waiting_by_subject ON grants (subject_n) WHERE state = 'awaiting_approval';
`,
}
