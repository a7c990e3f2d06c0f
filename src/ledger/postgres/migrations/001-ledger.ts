import type { Migration } from './migration.ts'

/**
 * The whole ledger. Instants are milliseconds since 1970, as the broker's clock gave them. Texts that hashes are over are `text`,
 * since `jsonb` would change them. Nothing here rests on there being one writer: a chain belongs to a replica, an event has its
 * number in its chain, and its position is a value that is given, not a sequence, whose numbers can commit out of order.
 */
export const ledgerMigration: Migration = {
  version: 1,
  name: 'ledger',
  readableBy: 1,
  sql: `
CREATE TABLE ledger_identity (
  one integer PRIMARY KEY CHECK (one = 1),
  id text NOT NULL
);
CREATE TABLE ledger_openings (
  epoch bigint PRIMARY KEY
);

CREATE TABLE replicas (
  id text PRIMARY KEY,
  opened_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  closed_at timestamptz,
  fence bigint NOT NULL DEFAULT 0,
  batch bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE plans (
  hash bytea PRIMARY KEY,
  body text NOT NULL
);
CREATE TABLE decisions (
  hash bytea PRIMARY KEY,
  body text NOT NULL
);

CREATE TABLE grants (
  id text PRIMARY KEY,
  n bigint GENERATED ALWAYS AS IDENTITY,
  subject text NOT NULL,
  trust_domain text NOT NULL,
  auth_method text NOT NULL,
  registration text NOT NULL,
  owner text NOT NULL,
  team text NOT NULL,
  role_arn text NOT NULL,
  plan_hash bytea NOT NULL REFERENCES plans,
  decision_hash bytea NOT NULL REFERENCES decisions,
  idempotency_key text NOT NULL,
  task_hash bytea NOT NULL,
  purpose text NOT NULL,
  state text NOT NULL CHECK (state IN
    ('denied', 'awaiting_approval', 'rejected', 'approval_expired', 'active', 'ending', 'ended')),
  reason text,
  requested_at bigint NOT NULL,
  active_at bigint,
  deadline bigint,
  effective_by bigint,
  ended_at bigint,
  due_at bigint,
  lease_count integer NOT NULL,
  version bigint NOT NULL,
  UNIQUE (subject, idempotency_key),
  CHECK (due_at IS NULL OR state IN ('awaiting_approval', 'active', 'ending'))
);
CREATE INDEX grants_by_subject ON grants (subject, requested_at, n);
CREATE INDEX grants_by_owner ON grants (owner, requested_at, n);
CREATE INDEX grants_by_role ON grants (role_arn, requested_at, n);
CREATE INDEX grants_by_state ON grants (state, requested_at, n);
CREATE INDEX grants_by_time ON grants (requested_at, n);
CREATE INDEX grants_by_plan ON grants (plan_hash);
CREATE INDEX grants_by_decision ON grants (decision_hash);
CREATE INDEX grants_due ON grants (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX grants_final ON grants (coalesce(ended_at, requested_at))
  WHERE state IN ('denied', 'rejected', 'approval_expired', 'ended');

CREATE TABLE leases (
  id text PRIMARY KEY,
  grant_id text NOT NULL REFERENCES grants ON DELETE CASCADE,
  number integer NOT NULL,
  role_arn text NOT NULL,
  session_name text NOT NULL,
  state text NOT NULL CHECK (state IN ('intended', 'issued', 'ended')),
  ended_by text CHECK (ended_by IN ('expired', 'not_minted', 'cut')),
  not_after bigint NOT NULL,
  intended_at bigint NOT NULL,
  replica text,
  mint_until bigint,
  issued_at bigint,
  ended_at bigint,
  access_key_id text,
  outcome_unknown boolean NOT NULL DEFAULT false,
  UNIQUE (grant_id, number)
);
CREATE INDEX leases_intended ON leases (intended_at, id) WHERE state = 'intended';

CREATE TABLE approvals (
  id text PRIMARY KEY,
  n bigint GENERATED ALWAYS AS IDENTITY,
  grant_id text NOT NULL UNIQUE REFERENCES grants ON DELETE CASCADE,
  plan_hash bytea NOT NULL,
  requirements text NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'expired')),
  requested_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  decided_by text,
  decided_at bigint,
  note text,
  version bigint NOT NULL
);
CREATE INDEX approvals_by_state ON approvals (state, requested_at, n);
CREATE INDEX approvals_by_time ON approvals (requested_at, n);

CREATE TABLE deny_lists (
  list_key text PRIMARY KEY,
  n bigint GENERATED ALWAYS AS IDENTITY,
  next_attempt_at bigint,
  attempts bigint NOT NULL,
  last_error text,
  failing_since bigint,
  last_written_at bigint,
  written_digest text,
  written_sequence bigint,
  watermark bigint,
  claimed_by text,
  claimed_until bigint,
  claim_version bigint NOT NULL,
  opened_version bigint,
  documents text
);
CREATE TABLE deny_agents (
  list_key text NOT NULL REFERENCES deny_lists,
  agent text NOT NULL,
  before bigint NOT NULL,
  PRIMARY KEY (list_key, agent)
);
CREATE TABLE deny_entries (
  grant_id text PRIMARY KEY REFERENCES grants,
  list_key text NOT NULL REFERENCES deny_lists,
  wanted_at bigint NOT NULL,
  until bigint NOT NULL,
  last_issued_at bigint NOT NULL,
  names_agent boolean NOT NULL,
  chains boolean NOT NULL,
  urgent boolean NOT NULL,
  written_at bigint,
  by_watermark boolean NOT NULL,
  enforced_at bigint,
  enforced_by text
);
CREATE INDEX deny_entries_by_list ON deny_entries (list_key, wanted_at, grant_id);

CREATE TABLE unregistered (
  subject text PRIMARY KEY,
  n bigint GENERATED ALWAYS AS IDENTITY,
  trust_domain text NOT NULL,
  auth_method text NOT NULL,
  reason text NOT NULL,
  first_seen_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  count bigint NOT NULL
);
CREATE INDEX unregistered_by_time ON unregistered (last_seen_at, n);

CREATE TABLE connections (
  id text PRIMARY KEY,
  replica text NOT NULL,
  bound_at bigint NOT NULL,
  closed_at bigint
);
CREATE TABLE tokens (
  key text PRIMARY KEY,
  until bigint NOT NULL,
  connection_id text REFERENCES connections,
  moves integer NOT NULL,
  grant_id text NOT NULL,
  lease_id text,
  used_by text NOT NULL CHECK (used_by IN ('request', 'renewal'))
);
CREATE INDEX tokens_by_until ON tokens (until);
CREATE INDEX tokens_by_connection ON tokens (connection_id);

CREATE TABLE chains (
  n integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  named_seq bigint NOT NULL DEFAULT 0
);
CREATE TABLE events (
  chain_n integer NOT NULL REFERENCES chains,
  seq bigint NOT NULL,
  position bigint UNIQUE,
  id text NOT NULL,
  type text NOT NULL,
  actor text NOT NULL,
  at bigint NOT NULL,
  grant_id text,
  lease_id text,
  request_id text,
  trace_id text,
  data text,
  hash bytea NOT NULL,
  PRIMARY KEY (chain_n, seq)
);
CREATE INDEX events_by_grant ON events (grant_id, position) WHERE grant_id IS NOT NULL;

CREATE TABLE session_notes (
  id text PRIMARY KEY,
  note text NOT NULL
);

CREATE TABLE event_positions (
  one integer PRIMARY KEY CHECK (one = 1),
  last bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO event_positions VALUES (1, 0);

CREATE TABLE state_counts (
  state text PRIMARY KEY,
  count bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE open_counts (
  subject text PRIMARY KEY,
  count bigint NOT NULL
) WITH (fillfactor = 50);
`,
}
