import type { Migration } from './migration.ts'

/** Which process mints a lease, and until when it may. A lease from before has neither on record: its process is gone. */
export const leaseReplicasMigration: Migration = {
  version: 6,
  name: 'lease-replicas',
  readableBy: 5,
  sql: `
ALTER TABLE leases ADD COLUMN replica_n INTEGER REFERENCES names;
ALTER TABLE leases ADD COLUMN mint_until INTEGER;
`,
}
