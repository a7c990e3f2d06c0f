import { SELECT_METER } from '../../budgets/budget-row.ts'
import { SELECT_HOLDS } from '../../holds/hold-row.ts'
import { SELECT_QUARANTINE } from '../../quarantine-row.ts'
import { countHolders } from '../budgets/budget-rows.ts'
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
  | 'quarantines'
  | 'budgetMeters'
  | 'holderCounts'
  | 'holds'
  | 'holdsInForce'

/** A read of one kind; some kinds take two. */
export interface WantedRead {
  readonly kind: WantedKind
  readonly statement: Statement
}

/**
 * Keys of the rows that the units of a batch need, collected before anything is read, so that one round trip reads all of them.
 * The rows are locked until the batch is committed: kind by kind in the order of `reads`, each in the order of its keys, so that
 * replicas wait for each other in one direction. Whoever changes a grant, its approval or its deny entry holds the lock of the grant.
 */
export class WantedRows {
  readonly grants = new Set<string>()
  /** Grants by subject and idempotency key. */
  readonly grantKeys: (readonly [subject: string, idempotencyKey: string])[] = []
  readonly leases = new Set<string>()
  /** Grants whose leases that are not ended are needed. */
  readonly leasesOf = new Set<string>()
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
  /** True: the heads of chains that no other chain has named yet. Not locked: a chain may go on after the head that is named. */
  heads = false
  readonly budgetMeters = new Set<string>()
  /** Owners, teams and agents whose live grants are counted. */
  readonly holders = { agent: new Set<string>(), owner: new Set<string>(), team: new Set<string>() }
  /** True: the latest quarantine. */
  quarantine = false
  readonly holds = new Set<string>()
  /** True: the holds in force. Not locked: `guardHolds` finds out if one was set or lifted meanwhile. */
  holdsInForce = false
  readonly #holdsStatement: Statement

  /** @param holdsStatement reads the holds in force */
  constructor(holdsStatement: Statement) {
    this.#holdsStatement = holdsStatement
  }

  reads(): WantedRead[] {
    return [
      ...this.#grants(),
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
      // Not locked, since one agent may ask every replica at once: `guardOpenCounts` finds out if one has grown meanwhile.
      ...read(this.openCounts, 'openCounts', 'SELECT subject, count FROM open_counts WHERE subject = ANY($1::text[])'),
      ...read(
        this.budgetMeters,
        'budgetMeters',
        `${SELECT_METER} WHERE m.key = ANY($1::text[]) ORDER BY m.key FOR NO KEY UPDATE OF m`,
      ),
      ...countHolders(this.holders).map((statement) => ({ kind: 'holderCounts', statement }) as const),
      ...this.#reports(),
      ...(this.heads
        ? [{ kind: 'heads', statement: { name: 'read-heads', text: SELECT_UNNAMED_HEADS } } as const]
        : []),
      ...(this.quarantine
        ? [{ kind: 'quarantines', statement: { name: 'read-quarantine', text: SELECT_QUARANTINE } } as const]
        : []),
      ...read(this.holds, 'holds', `${SELECT_HOLDS} WHERE h.id = ANY($1::text[]) ORDER BY h.id FOR NO KEY UPDATE OF h`),
      ...(this.holdsInForce ? [{ kind: 'holdsInForce', statement: this.#holdsStatement } as const] : []),
    ]
  }

  /** By id and by key in one statement, so that one order holds for both. */
  #grants(): WantedRead[] {
    if (this.grantKeys.length === 0) {
      const text = `${SELECT_GRANT} WHERE g.id = ANY($1::text[]) ORDER BY g.id FOR NO KEY UPDATE OF g`
      return read(this.grants, 'grants', text)
    }
    const text = `${SELECT_GRANT} WHERE g.id IN (SELECT unnest($1::text[]) UNION
      SELECT k.id FROM unnest($2::text[], $3::text[]) AS w(subject, idempotency_key)
        JOIN grants k ON k.subject = w.subject AND k.idempotency_key = w.idempotency_key) ORDER BY g.id FOR NO KEY UPDATE OF g`
    const values = [[...this.grants], this.grantKeys.map(([subject]) => subject), this.grantKeys.map(([, key]) => key)]
    return [{ kind: 'grants', statement: { name: 'read-grants-by-key', text, values } }]
  }

  #leases(): WantedRead[] {
    if (this.leases.size === 0 && this.leasesOf.size === 0 && this.tokens.size === 0) return []
    const text = `${SELECT_LEASE} WHERE l.id IN (SELECT unnest($1::text[]) UNION
      SELECT o.id FROM leases o WHERE o.grant_id = ANY($2::text[]) AND o.state <> 'ended' UNION
      SELECT t.lease_id FROM tokens t WHERE t.key = ANY($3::text[])) ORDER BY l.id FOR NO KEY UPDATE OF l`
    const values = [[...this.leases], [...this.leasesOf], [...this.tokens]]
    return [{ kind: 'leases', statement: { name: 'read-leases', text, values } }]
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
