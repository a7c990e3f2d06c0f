import type { Migration } from './migration.ts'

/** Finds the lists with an entry that waits for its first write, without looking at all entries. */
export const unwrittenDeniesMigration: Migration = {
  version: 12,
  name: 'unwritten-denies',
  readableBy: 7,
  sql: `
CREATE INDEX deny_entries_unwritten ON deny_entries (list_n) WHERE written_at IS NULL;
`,
}
