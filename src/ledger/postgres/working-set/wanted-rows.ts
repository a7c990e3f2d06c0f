import type { Statement } from '../database/statement.ts'
import { SELECT_APPROVAL } from '../rows/approval-rows.ts'
import { SELECT_DENY_ENTRY, SELECT_DENY_LIST } from '../rows/deny-rows.ts'
import { SELECT_GRANT } from '../rows/grant-rows.ts'
import { SELECT_CONNECTION, SELECT_TOKEN, SELECT_UNREGISTERED } from '../rows/housekeeping-rows.ts'
import { SELECT_LEASE } from '../rows/lease-rows.ts'

/** The kinds of rows that a batch reads before it decides. */
export type WantedKind =
  | 'grants'
  | 'leases'
  | 'approvals'
  | 'denyEntries'
  | 'denyLists'
  | 'tokens'
  | 'connections'
  | 'unregistered'
  | 'openCounts'
  | 'reports'
  | 'heads'

/** A read of one kind; some kinds take two. */
export interface WantedRead {
  readonly kind: WantedKind
  readonly statement: Statement
}

/**
 * Keys of the rows that the units of a batch need, collected before anything is read, so that one round trip reads all of them.
 * The rows are locked, in the order of their keys, until the batch is committed.
 */
export class WantedRows {
  readonly grants = new Set<string>()
  /** Grants by subject and idempotency key. */
  readonly grantKeys: (readonly [subject: string, idempotencyKey: string])[] = []
  readonly leases = new Set<string>()
  /** Approvals by the id of their grant. */
  readonly approvals = new Set<string>()
  /** Deny entries by the id of their grant; read with the lists that they are on. */
  readonly denyEntries = new Set<string>()
  readonly denyLists = new Set<string>()
  /** Tokens by key; read with the connections and leases that they are bound to. */
  readonly tokens = new Set<string>()
  readonly connections = new Set<string>()
  readonly unregistered = new Set<string>()
  readonly openCounts = new Set<string>()
  /** Grants, and the type of event to count for each. */
  readonly reports: (readonly [grantId: string, type: string])[] = []
  /** True: the heads of chains that no other chain has named yet. */
  heads = false

  reads(): WantedRead[] {
    return [
      ...read(
        this.grants,
        'grants',
        `${SELECT_GRANT} WHERE g.id = ANY($1::text[]) ORDER BY g.id FOR NO KEY UPDATE OF g`,
      ),
      ...this.#grantsByKey(),
      ...this.#leases(),
      ...read(
        this.approvals,
        'approvals',
        `${SELECT_APPROVAL} WHERE a.grant_id = ANY($1::text[]) ORDER BY a.id FOR NO KEY UPDATE OF a`,
      ),
      ...this.#denyLists(),
      ...read(
        this.denyEntries,
        'denyEntries',
        `${SELECT_DENY_ENTRY} WHERE e.grant_id = ANY($1::text[]) ORDER BY e.grant_id FOR NO KEY UPDATE OF e`,
      ),
      ...read(
        this.tokens,
        'tokens',
        `${SELECT_TOKEN} WHERE t.key = ANY($1::text[]) ORDER BY t.key FOR NO KEY UPDATE OF t`,
      ),
      ...this.#connections(),
      ...read(
        this.unregistered,
        'unregistered',
        `${SELECT_UNREGISTERED} WHERE u.subject = ANY($1::text[]) ORDER BY u.subject FOR NO KEY UPDATE OF u`,
      ),
      ...read(
        this.openCounts,
        'openCounts',
        'SELECT subject, count FROM open_counts WHERE subject = ANY($1::text[]) ORDER BY subject FOR NO KEY UPDATE',
      ),
      ...this.#reports(),
      ...(this.heads
        ? [{ kind: 'heads', statement: { name: 'read-heads', text: SELECT_UNNAMED_HEADS } } as const]
        : []),
    ]
  }

  #grantsByKey(): WantedRead[] {
    if (this.grantKeys.length === 0) return []
    const text = `${SELECT_GRANT} JOIN unnest($1::text[], $2::text[]) AS w(subject, idempotency_key)
      ON w.subject = g.subject AND w.idempotency_key = g.idempotency_key ORDER BY g.id FOR NO KEY UPDATE OF g`
    const values = [this.grantKeys.map(([subject]) => subject), this.grantKeys.map(([, key]) => key)]
    return [{ kind: 'grants', statement: { name: 'read-grants-by-key', text, values } }]
  }

  #leases(): WantedRead[] {
    if (this.leases.size === 0 && this.tokens.size === 0) return []
    const text = `${SELECT_LEASE} WHERE l.id IN (SELECT unnest($1::text[]) UNION
      SELECT t.lease_id FROM tokens t WHERE t.key = ANY($2::text[])) ORDER BY l.id FOR NO KEY UPDATE OF l`
    return [{ kind: 'leases', statement: { name: 'read-leases', text, values: [[...this.leases], [...this.tokens]] } }]
  }

  #denyLists(): WantedRead[] {
    if (this.denyLists.size === 0 && this.denyEntries.size === 0) return []
    const text = `${SELECT_DENY_LIST} WHERE l.list_key IN (SELECT unnest($1::text[]) UNION
      SELECT e.list_key FROM deny_entries e WHERE e.grant_id = ANY($2::text[])) ORDER BY l.list_key FOR NO KEY UPDATE OF l`
    const values = [[...this.denyLists], [...this.denyEntries]]
    return [{ kind: 'denyLists', statement: { name: 'read-deny-lists', text, values } }]
  }

  #connections(): WantedRead[] {
    if (this.connections.size === 0 && this.tokens.size === 0) return []
    const text = `${SELECT_CONNECTION} WHERE c.id IN (SELECT unnest($1::text[]) UNION
      SELECT t.connection_id FROM tokens t WHERE t.key = ANY($2::text[])) ORDER BY c.id FOR NO KEY UPDATE OF c`
    const values = [[...this.connections], [...this.tokens]]
    return [{ kind: 'connections', statement: { name: 'read-connections', text, values } }]
  }

  #reports(): WantedRead[] {
    if (this.reports.length === 0) return []
    const text = `SELECT w.grant_id, w.type,
      (SELECT count(*) FROM events e WHERE e.grant_id = w.grant_id AND e.type = w.type) AS count
      FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS v(grant_id, type)) w`
    const values = [this.reports.map(([grantId]) => grantId), this.reports.map(([, type]) => type)]
    return [{ kind: 'reports', statement: { name: 'read-reports', text, values } }]
  }
}

/** Heads that no other chain has named yet, in the order in which their chains began. */
export const SELECT_UNNAMED_HEADS = `SELECT id AS chain, seq, encode(hash, 'hex') AS hash FROM chains WHERE seq > named_seq ORDER BY n`

function read(keys: ReadonlySet<string>, kind: WantedKind, text: string): WantedRead[] {
  return keys.size === 0 ? [] : [{ kind, statement: { name: `read-${kind}`, text, values: [[...keys]] } }]
}
