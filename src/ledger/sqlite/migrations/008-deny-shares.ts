import type { Migration } from './migration.ts'

/**
 * Places in a deny list are shared by agent. An entry from before may have sessions whose names do not carry the agent, and its
 * sessions count as ones that may have made others.
 */
export const denySharesMigration: Migration = {
  version: 8,
  name: 'deny-shares',
  readableBy: 7,
  sql: `
ALTER TABLE deny_entries ADD COLUMN names_agent INTEGER;
ALTER TABLE deny_entries ADD COLUMN chains INTEGER;
ALTER TABLE deny_entries ADD COLUMN urgent INTEGER;
ALTER TABLE deny_entries ADD COLUMN by_watermark INTEGER;

CREATE TABLE deny_agents (
  list_n INTEGER NOT NULL REFERENCES deny_lists,
  agent_n INTEGER NOT NULL REFERENCES names,
  before INTEGER NOT NULL,
  PRIMARY KEY (list_n, agent_n)
) STRICT, WITHOUT ROWID;
`,
}
