import type { Migration } from './migration.ts'

/**
 * An approval takes the votes of several people, and can be voided. As JSON, since they are read and written with their approval
 * only: see `toApprovalTexts`, which also says what earlier releases make of such a row.
 */
export const votesMigration: Migration = {
  version: 21,
  name: 'votes',
  readableBy: 7,
  sql: `
ALTER TABLE approvals ADD COLUMN quorum TEXT;
ALTER TABLE approvals ADD COLUMN votes TEXT;
ALTER TABLE approvals ADD COLUMN voided TEXT;
`,
}
