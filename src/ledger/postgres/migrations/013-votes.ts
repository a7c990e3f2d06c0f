import type { Migration } from './migration.ts'

/** An approval takes the votes of several people, and can be voided. See the same step of the SQLite store. */
export const votesMigration: Migration = {
  version: 13,
  name: 'votes',
  readableBy: 1,
  sql: `
ALTER TABLE approvals ADD COLUMN quorum text;
ALTER TABLE approvals ADD COLUMN votes text;
ALTER TABLE approvals ADD COLUMN voided text;
`,
}
