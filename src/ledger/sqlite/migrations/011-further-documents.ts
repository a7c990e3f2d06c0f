import type { Migration } from './migration.ts'

/**
 * A deny list may be spread over several documents. As JSON, since they are read and written with their list only: an array of
 * `{key, digest?, sequence?, attempts, error?, failingSince?}`.
 */
export const furtherDocumentsMigration: Migration = {
  version: 11,
  name: 'further-documents',
  readableBy: 7,
  sql: `
ALTER TABLE deny_lists ADD COLUMN documents TEXT;
`,
}
