import type { Migration } from './migration.ts'

/** The recent draws on each budget. See the same step of the SQLite store. */
export const budgetsMigration: Migration = {
  version: 12,
  name: 'budgets',
  readableBy: 1,
  sql: `
CREATE TABLE budget_meters (
  n bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  key text PRIMARY KEY,
  rolling text NOT NULL,
  until bigint NOT NULL
);
CREATE INDEX budget_meters_until ON budget_meters (until);
CREATE INDEX grants_open_by_owner ON grants (owner, state) WHERE state IN ('awaiting_approval', 'active', 'ending');
CREATE INDEX grants_open_by_team ON grants (team, state) WHERE state IN ('awaiting_approval', 'active', 'ending');
CREATE INDEX grants_waiting_by_subject ON grants (subject) WHERE state = 'awaiting_approval';
`,
}
