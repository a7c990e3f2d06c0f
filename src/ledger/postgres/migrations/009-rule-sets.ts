import type { Migration } from './migration.ts'

/**
 * The rules that each replica works by, and the order in which they came: a replica with older files must not end what another one
 * has granted by newer ones. A broker of an earlier release has no digest, judges no grant anew, and is left alone.
 */
export const ruleSetsMigration: Migration = {
  version: 9,
  name: 'rule-sets',
  readableBy: 1,
  sql: `
CREATE TABLE rule_sets (
  number bigint PRIMARY KEY,
  digest text NOT NULL,
  adopted_by text NOT NULL,
  adopted_at timestamptz NOT NULL
);
CREATE INDEX rule_sets_by_digest ON rule_sets (digest);
ALTER TABLE replicas ADD COLUMN rules_digest text;
`,
}
