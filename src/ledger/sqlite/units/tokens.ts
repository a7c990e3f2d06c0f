import type { TokenUse } from '../../ledger.ts'
import type { LeaseEnd, LeaseState } from '../../records.ts'
import { toMs } from '../../row-values.ts'
import {
  checkConnectionOpen,
  type TokenBinding,
  type TokenPurpose,
  tokenMoved,
  tokenReplayed,
  tokenStep,
} from '../../rules/token-rules.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'

interface TokenRow {
  until: number
  moves: number
  grant_id: string | null
  lease_id: string | null
  used_by: TokenUse['by'] | null
  connection_row_id: number | null
  connection_id: string | null
  replica: string | null
  closed_at: number | null
  lease_state: LeaseState | null
  lease_end: LeaseEnd | null
  lease_outcome_unknown: number | null
}

/** A token with the connection that holds it and the lease that it was last bound for. */
const SELECT_TOKEN = `SELECT t.until, t.moves, t.grant_id, t.lease_id, t.used_by, t.connection_n AS connection_row_id,
  c.id AS connection_id, c.replica, c.closed_at, l.state AS lease_state, l.ended_by AS lease_end,
  l.outcome_unknown AS lease_outcome_unknown
  FROM tokens t LEFT JOIN connections c ON c.n = t.connection_n LEFT JOIN leases l ON l.id = t.lease_id`

/** The write side of bearer tokens. `replica` is this process: a new start is a new one. */
export class TokenRows {
  readonly #tx: SqliteTransaction
  readonly #replica: string

  constructor(tx: SqliteTransaction, replica: string) {
    this.#tx = tx
    this.#replica = replica
  }

  /**
   * Checks that a token may be used, and binds it where a lease is intended: both or neither, since it is one unit.
   *
   * @throws {StintError} TOKEN_REPLAYED; CANCELLED when the connection of the call has closed.
   */
  use(token: TokenUse, purpose: TokenPurpose): void {
    const row = this.#tx.db.get<TokenRow>(`${SELECT_TOKEN} WHERE t.key = ?`, token.key)
    const binding = row && this.#toBinding(row)
    const step = tokenStep(binding, token, purpose, this.#replica)
    if (step === 'bind') this.#bind(token, purpose)
    if (step === 'note_lease') this.#noteLease(token, purpose)
    if (step === 'move' && row && binding) this.#move(token, row, binding)
  }

  /** See `LedgerWrites.connectionClosed`. */
  closed({ connectionId, at }: { connectionId: string; at: Date }): void {
    this.#tx.db.run('UPDATE connections SET closed_at = ? WHERE id = ? AND closed_at IS NULL', toMs(at), connectionId)
  }

  /** Forgets tokens that have ended, and connections that hold none. @returns how many tokens */
  prune({ now, limit }: { now: Date; limit: number }): number {
    const tokens = this.#tx.db.run(
      'DELETE FROM tokens WHERE key IN (SELECT key FROM tokens WHERE until <= ? ORDER BY until LIMIT ?)',
      toMs(now),
      limit,
    )
    this.#tx.db.run(
      `DELETE FROM connections WHERE n IN (SELECT c.n FROM connections c
         WHERE NOT EXISTS (SELECT 1 FROM tokens t WHERE t.connection_n = c.n) LIMIT ?)`,
      limit,
    )
    return tokens
  }

  /**
   * The lock on the file lets one process at a time use it, so every other replica is one of the past. A store that several
   * replicas share has to look at their heartbeats instead.
   */
  #toBinding(row: TokenRow): TokenBinding {
    return {
      until: new Date(row.until),
      moves: row.moves,
      ...(row.grant_id === null ? {} : { grantId: row.grant_id }),
      ...(row.used_by === null ? {} : { by: row.used_by }),
      ...(row.lease_state === null
        ? {}
        : {
            lease: {
              state: row.lease_state,
              ...(row.lease_end === null ? {} : { end: row.lease_end }),
              outcomeUnknown: row.lease_outcome_unknown !== null,
            },
          }),
      ...(row.connection_id === null
        ? {}
        : {
            owner: {
              connectionId: row.connection_id,
              replica: row.replica ?? '',
              isClosed: row.closed_at !== null,
              isSilent: row.replica !== this.#replica,
            },
          }),
    }
  }

  #bind(token: TokenUse, { grantId, leaseId }: TokenPurpose): void {
    this.#tx.db.run(
      `INSERT INTO tokens (key, until, connection_n, moves, grant_id, lease_id, used_by) VALUES (?, ?, ?, 0, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET until = excluded.until, connection_n = excluded.connection_n, moves = 0,
         grant_id = excluded.grant_id, lease_id = excluded.lease_id, used_by = excluded.used_by`,
      token.key,
      toMs(token.until),
      this.#connectionRowId(token),
      grantId,
      leaseId ?? null,
      token.by,
    )
  }

  #noteLease(token: TokenUse, { leaseId }: TokenPurpose): void {
    this.#tx.db.run('UPDATE tokens SET lease_id = ?, used_by = ? WHERE key = ?', leaseId ?? null, token.by, token.key)
  }

  /** With a compare, so that of several connections that want it one gets it. */
  #move(token: TokenUse, row: TokenRow, binding: TokenBinding): void {
    const moved = this.#tx.db.run(
      'UPDATE tokens SET connection_n = ?, moves = moves + 1 WHERE key = ? AND connection_n IS ? AND moves = ?',
      this.#connectionRowId(token),
      token.key,
      row.connection_row_id,
      row.moves,
    )
    if (moved !== 1) throw tokenReplayed('connection', token, binding, this.#replica)
    this.#tx.append([tokenMoved(token, binding, this.#replica)])
  }

  #connectionRowId({ connectionId, at }: TokenUse): number {
    const row = this.#tx.db.get<{ row_id: number; closed_at: number | null }>(
      'SELECT n AS row_id, closed_at FROM connections WHERE id = ?',
      connectionId,
    )
    checkConnectionOpen(row !== undefined && row.closed_at !== null)
    return (
      row?.row_id ??
      this.#tx.db.insert(
        'INSERT INTO connections (id, replica, bound_at) VALUES (?, ?, ?)',
        connectionId,
        this.#replica,
        toMs(at),
      )
    )
  }
}
