import type { Migration } from './migration.ts'

/**
 * Instants are integer milliseconds since 1970 UTC, hashes are 32 bytes, and texts that repeat in many rows (subjects,
 * owners, roles, event types) live once in `names`. Lists are read by (requested_at, n), newest first.
 */
export const ledgerMigration: Migration = {
  version: 1,
  name: 'ledger',
  readableBy: 1,
  sql: `
CREATE TABLE names (
  n INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE plans (
  n INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE decisions (
  n INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE grants (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  subject_n INTEGER NOT NULL REFERENCES names,
  trust_domain_n INTEGER NOT NULL REFERENCES names,
  auth_method_n INTEGER NOT NULL REFERENCES names,
  registration_n INTEGER NOT NULL REFERENCES names,
  owner_n INTEGER NOT NULL REFERENCES names,
  team_n INTEGER NOT NULL REFERENCES names,
  role_n INTEGER NOT NULL REFERENCES names,
  plan_n INTEGER NOT NULL REFERENCES plans,
  decision_n INTEGER NOT NULL REFERENCES decisions,
  idempotency_key TEXT NOT NULL,
  task_hash BLOB NOT NULL,
  purpose TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('denied', 'awaiting_approval', 'rejected', 'approval_expired', 'active', 'ending', 'ended')),
  reason TEXT,
  requested_at INTEGER NOT NULL,
  active_at INTEGER,
  deadline INTEGER,
  effective_by INTEGER,
  ended_at INTEGER,
  due_at INTEGER,
  lease_count INTEGER NOT NULL,
  version INTEGER NOT NULL,
  UNIQUE (subject_n, idempotency_key),
  CHECK (due_at IS NULL OR state IN ('awaiting_approval', 'active', 'ending'))
) STRICT;
CREATE INDEX grants_by_subject ON grants (subject_n, requested_at);
CREATE INDEX grants_by_owner ON grants (owner_n, requested_at);
CREATE INDEX grants_by_role ON grants (role_n, requested_at);
CREATE INDEX grants_by_state ON grants (state, requested_at);
CREATE INDEX grants_by_time ON grants (requested_at);
CREATE INDEX grants_by_plan ON grants (plan_n);
CREATE INDEX grants_by_decision ON grants (decision_n);
CREATE INDEX grants_due ON grants (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX grants_final ON grants (coalesce(ended_at, requested_at))
  WHERE state IN ('denied', 'rejected', 'approval_expired', 'ended');

CREATE TABLE leases (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  grant_n INTEGER NOT NULL REFERENCES grants ON DELETE CASCADE,
  number INTEGER NOT NULL,
  role_n INTEGER NOT NULL REFERENCES names,
  state TEXT NOT NULL CHECK (state IN ('intended', 'issued', 'ended')),
  end_kind TEXT CHECK (end_kind IN ('expired', 'not_minted', 'denied')),
  not_after INTEGER NOT NULL,
  intended_at INTEGER NOT NULL,
  issued_at INTEGER,
  ended_at INTEGER,
  access_key_id TEXT,
  outcome_unknown INTEGER,
  UNIQUE (grant_n, number)
) STRICT;
CREATE INDEX leases_intended ON leases (intended_at) WHERE state = 'intended';
CREATE INDEX leases_open ON leases (role_n, intended_at) WHERE state <> 'ended';

CREATE TABLE approvals (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  grant_n INTEGER NOT NULL UNIQUE REFERENCES grants ON DELETE CASCADE,
  plan_hash BLOB NOT NULL,
  requirements TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'expired')),
  requested_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  note TEXT,
  version INTEGER NOT NULL
) STRICT;
CREATE INDEX approvals_by_state ON approvals (state, requested_at);
CREATE INDEX approvals_by_time ON approvals (requested_at);

CREATE TABLE deny_targets (
  n INTEGER PRIMARY KEY,
  target TEXT NOT NULL UNIQUE,
  next_attempt_at INTEGER,
  attempts INTEGER NOT NULL,
  last_error TEXT,
  last_written_at INTEGER,
  watermark INTEGER,
  claimed_by TEXT,
  claimed_until INTEGER,
  claim_version INTEGER NOT NULL
) STRICT;
CREATE INDEX deny_targets_due ON deny_targets (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE deny_entries (
  n INTEGER PRIMARY KEY,
  grant_n INTEGER NOT NULL UNIQUE REFERENCES grants,
  target_n INTEGER NOT NULL REFERENCES deny_targets,
  wanted_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  last_issued_at INTEGER NOT NULL,
  written_at INTEGER,
  enforced_at INTEGER
) STRICT;
CREATE INDEX deny_entries_by_target ON deny_entries (target_n, wanted_at);

CREATE TABLE unregistered (
  n INTEGER PRIMARY KEY,
  subject TEXT NOT NULL UNIQUE,
  trust_domain TEXT NOT NULL,
  auth_method TEXT NOT NULL,
  reason TEXT NOT NULL,
  first_seen_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  count INTEGER NOT NULL
) STRICT;
CREATE INDEX unregistered_by_time ON unregistered (last_seen_at);

CREATE TABLE tokens (
  key TEXT PRIMARY KEY,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_until ON tokens (until);

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  type_n INTEGER NOT NULL REFERENCES names,
  actor_n INTEGER NOT NULL REFERENCES names,
  at INTEGER NOT NULL,
  grant_id TEXT,
  lease_id TEXT,
  data TEXT,
  hash BLOB NOT NULL
) STRICT;
CREATE INDEX events_by_grant ON events (grant_id, seq) WHERE grant_id IS NOT NULL;

CREATE TABLE audit_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_head VALUES (1, 0, zeroblob(32));

CREATE TABLE state_counts (
  state TEXT PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE open_counts (
  subject_n INTEGER PRIMARY KEY REFERENCES names,
  count INTEGER NOT NULL
) STRICT;
`,
}
