import type { Migration } from './migration.ts'

/** An approval that policy lets be used more than once: see `reuse-rules.ts`. Earlier releases use each once. */
export const reuseMigration: Migration = {
  version: 22,
  name: 'reuse',
  readableBy: 7,
  sql: `
ALTER TABLE approvals ADD COLUMN uses INTEGER;
ALTER TABLE approvals ADD COLUMN reuse_of TEXT;
CREATE INDEX approvals_reusable ON approvals (plan_hash, decided_at) WHERE state = 'approved' AND reuse_of IS NULL;
CREATE INDEX approvals_by_origin ON approvals (reuse_of) WHERE reuse_of IS NOT NULL;
`,
}
