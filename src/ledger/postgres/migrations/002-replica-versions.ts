import type { Migration } from './migration.ts'

/**
 * The schema version that a replica knows, so that a step which it could not live with waits until it has gone. Null for a replica
 * of the first release, which knows version 1.
 */
export const replicaVersionsMigration: Migration = {
  version: 2,
  name: 'replica-versions',
  readableBy: 1,
  sql: 'ALTER TABLE replicas ADD COLUMN knows integer;',
}
