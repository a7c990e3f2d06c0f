import type { Migration } from './migration.ts'

/**
 * Which call caused an event, and its trace. The hash of an event covers both, so a release that does not know them would find
 * such an event changed.
 */
export const correlationMigration: Migration = {
  version: 3,
  name: 'correlation',
  readableBy: 3,
  sql: `
ALTER TABLE events ADD COLUMN request_id TEXT;
ALTER TABLE events ADD COLUMN trace_id TEXT;
`,
}
