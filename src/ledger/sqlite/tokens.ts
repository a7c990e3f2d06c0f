import { type ErrorDetails, StintError } from '../../core/errors.ts'
import type { TokenUse } from '../ledger.ts'
import { msOf } from './rows.ts'
import type { SqliteTransaction } from './sqlite-transaction.ts'

/** How often a token may go from a connection that is gone to another one. */
const MAX_MOVES = 8

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
}

/** The grant of a unit, and the lease that it intends, if any. */
interface Purpose {
  readonly grantId: string
  readonly leaseId: string | undefined
  /**
   * The grant waits for a person. Its token is bound to the connection that asked, though nothing is minted yet: whoever has
   * copied it must not collect what the yes was for. A token that mints once is not spent by it.
   */
  readonly waits: boolean
}

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
   * @throws {StintError} TOKEN_REPLAYED with both sides by their ids; `details.check` is spent, connection or moves.
   */
  use(token: TokenUse, purpose: Purpose): void {
    const row = this.#tx.db.get<TokenRow>(
      `SELECT t.until, t.moves, t.grant_id, t.lease_id, t.used_by, t.connection_n AS connection_row_id, c.id AS connection_id, c.replica,
         c.closed_at
       FROM tokens t LEFT JOIN connections c ON c.n = t.connection_n WHERE t.key = ?`,
      token.key,
    )
    if (!row || row.until <= msOf(token.at)) this.#bind(token, purpose)
    else if (token.reuse === 'never') this.#comeBack(token, row, purpose)
    else this.#hold(token, row, purpose)
  }

  /** See `LedgerWrites.connectionClosed`. */
  closed({ connectionId, at }: { connectionId: string; at: Date }): void {
    this.#tx.db.run('UPDATE connections SET closed_at = ? WHERE id = ? AND closed_at IS NULL', msOf(at), connectionId)
  }

  /** Forgets tokens that have ended, and connections that hold none. @returns how many tokens */
  prune({ now, limit }: { now: Date; limit: number }): number {
    const tokens = this.#tx.db.run(
      'DELETE FROM tokens WHERE key IN (SELECT key FROM tokens WHERE until <= ? ORDER BY until LIMIT ?)',
      msOf(now),
      limit,
    )
    this.#tx.db.run(
      `DELETE FROM connections WHERE n IN (SELECT c.n FROM connections c
         WHERE NOT EXISTS (SELECT 1 FROM tokens t WHERE t.connection_n = c.n) LIMIT ?)`,
      limit,
    )
    return tokens
  }

  #bind(token: TokenUse, { grantId, leaseId, waits }: Purpose): void {
    if (leaseId === undefined && !(waits && token.reuse === 'connection')) return
    this.#tx.db.run(
      `INSERT INTO tokens (key, until, connection_n, moves, grant_id, lease_id, used_by) VALUES (?, ?, ?, 0, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET until = excluded.until, connection_n = excluded.connection_n, moves = 0,
         grant_id = excluded.grant_id, lease_id = excluded.lease_id, used_by = excluded.used_by`,
      token.key,
      msOf(token.until),
      this.#connectionRowId(token),
      grantId,
      leaseId ?? null,
      token.by,
    )
  }

  /** Once per token; but whoever comes back for the same grant, or has got nothing for it yet, is no thief. */
  #comeBack(token: TokenUse, row: TokenRow, { grantId, leaseId }: Purpose): void {
    const same = row.grant_id === grantId
    const boughtNothing = row.used_by === 'renewal' && !this.#mayBeRevealed(row.lease_id)
    if (!same || !(token.by === 'request' || boughtNothing)) throw this.#replayed('spent', token, row)
    if (leaseId === undefined) return
    this.#tx.db.run('UPDATE tokens SET lease_id = ?, used_by = ? WHERE key = ?', leaseId, token.by, token.key)
  }

  /** As often as wanted by the connection that holds it; by another one after that is gone. */
  #hold(token: TokenUse, row: TokenRow, { leaseId, waits }: Purpose): void {
    const ours = row.connection_id === token.connectionId && row.replica === this.#replica
    if (ours && row.closed_at === null) return
    if (!this.#isGone(row)) throw this.#replayed('connection', token, row)
    if (row.moves >= MAX_MOVES) throw this.#replayed('moves', token, row)
    if (leaseId === undefined && !waits) return
    const moved = this.#tx.db.run(
      'UPDATE tokens SET connection_n = ?, moves = moves + 1 WHERE key = ? AND connection_n IS ? AND moves = ?',
      this.#connectionRowId(token),
      token.key,
      row.connection_row_id,
      row.moves,
    )
    if (moved !== 1) throw this.#replayed('connection', token, row)
    const from = row.connection_id === null ? {} : { connectionId: row.connection_id, replica: row.replica ?? '' }
    const to = { connectionId: token.connectionId, replica: this.#replica }
    this.#tx.append([token.moved({ from, to, move: row.moves + 1 })])
  }

  /**
   * A connection that has closed, or whose replica is silent. The lock on the file lets one process at a time use it, so
   * every other replica is one of the past; a store that several replicas share has to look at their heartbeats here.
   */
  #isGone(row: TokenRow): boolean {
    return row.connection_id === null || row.closed_at !== null || row.replica !== this.#replica
  }

  /** Whether the credentials of a lease may have left the process, or may yet. */
  #mayBeRevealed(leaseId: string | null): boolean {
    const lease = this.#tx.db.get<{ state: string; end_kind: string | null; outcome_unknown: number | null }>(
      'SELECT state, end_kind, outcome_unknown FROM leases WHERE id = ?',
      leaseId,
    )
    if (!lease) return true
    if (lease.state === 'intended') return lease.outcome_unknown === null
    return lease.end_kind !== 'not_minted'
  }

  #connectionRowId({ connectionId, at }: TokenUse): number {
    const row = this.#tx.db.get<{ row_id: number; closed_at: number | null }>(
      'SELECT n AS row_id, closed_at FROM connections WHERE id = ?',
      connectionId,
    )
    if (row && row.closed_at !== null) {
      throw new StintError('CANCELLED', { explanation: 'The connection of the call has closed.' })
    }
    return (
      row?.row_id ??
      this.#tx.db.insert(
        'INSERT INTO connections (id, replica, bound_at) VALUES (?, ?, ?)',
        connectionId,
        this.#replica,
        msOf(at),
      )
    )
  }

  #replayed(check: keyof typeof EXPLANATIONS, { connectionId }: TokenUse, row: TokenRow): StintError {
    const owner: ErrorDetails =
      row.connection_id === null ? {} : { ownerConnectionId: row.connection_id, ownerReplica: row.replica ?? '' }
    const grant: ErrorDetails = check === 'spent' && row.grant_id !== null ? { grantId: row.grant_id } : {}
    const explanation = EXPLANATIONS[check]
    return new StintError('TOKEN_REPLAYED', {
      check,
      explanation,
      connectionId,
      replica: this.#replica,
      ...owner,
      ...grant,
    })
  }
}

const EXPLANATIONS = {
  spent: 'A bearer token mints once here (identity.tokens.reuse: never); fetch a fresh one for each call that mints.',
  connection:
    'Another connection, which is open, mints with this bearer token; close that one, or fetch a token of your own.',
  moves: `The bearer token has gone from one connection to another ${MAX_MOVES} times; fetch a fresh one.`,
} as const
