import type { TokenUse, WriteInput } from '../../ledger.ts'
import { toMs } from '../../row-values.ts'
import {
  checkConnectionOpen,
  type TokenBinding,
  type TokenPurpose,
  tokenMoved,
  tokenStep,
} from '../../rules/token-rules.ts'
import type { TokenRow } from '../rows/housekeeping-rows.ts'
import type { WantedRows } from '../working-set/wanted-rows.ts'
import type { WorkingSet } from '../working-set/working-set.ts'
import type { Unit } from './unit.ts'

/** Asks for the rows that `useToken` needs. */
export function wantToken(wanted: WantedRows, { key, connectionId }: TokenUse): void {
  wanted.tokens.add(key)
  wanted.connections.add(connectionId)
}

/**
 * Checks that a token may be used, and binds it where a lease is intended: both or neither, since it is one unit. Its row is
 * locked, so of several connections that want it one gets it.
 *
 * @throws {StintError} TOKEN_REPLAYED; CANCELLED when the connection of the call has closed.
 */
export function useToken(set: WorkingSet, token: TokenUse, purpose: TokenPurpose): void {
  const row = set.tokens.get(token.key)
  const binding = row && toBinding(set, row)
  const step = tokenStep(binding, token, purpose, set.replica)
  if (step === 'none') return
  const { grantId, leaseId = null } = purpose
  if (step === 'bind') {
    const bound = { key: token.key, until: toMs(token.until), moves: 0, grant_id: grantId, lease_id: leaseId }
    set.tokens.put(token.key, { ...bound, used_by: token.by, connection_id: noteConnection(set, token) })
  } else if (row && step === 'note_lease') set.tokens.put(token.key, { ...row, lease_id: leaseId, used_by: token.by })
  else if (row && binding) move(set, token, row, binding)
}

function move(set: WorkingSet, token: TokenUse, row: TokenRow, binding: TokenBinding): void {
  set.tokens.put(token.key, { ...row, moves: row.moves + 1, connection_id: noteConnection(set, token) })
  set.append([tokenMoved(token, binding, set.replica)])
}

function toBinding(set: WorkingSet, row: TokenRow): TokenBinding {
  const lease = row.lease_id === null ? undefined : set.leases.get(row.lease_id)
  const owner = row.connection_id === null ? undefined : set.connections.get(row.connection_id)
  return {
    until: new Date(row.until),
    moves: row.moves,
    grantId: row.grant_id,
    by: row.used_by,
    ...(lease ? { lease } : {}),
    ...(owner
      ? {
          owner: {
            connectionId: owner.id,
            replica: owner.replica,
            isClosed: owner.closed_at !== null,
            isSilent: owner.replica !== set.replica && !owner.is_live,
          },
        }
      : {}),
  }
}

/** Records the connection of a call. @returns its id @throws {StintError} CANCELLED once it has closed */
function noteConnection(set: WorkingSet, { connectionId, at }: TokenUse): string {
  const known = set.connections.get(connectionId)
  checkConnectionOpen(known !== undefined && known.closed_at !== null)
  if (!known) {
    const row = { id: connectionId, replica: set.replica, bound_at: toMs(at), closed_at: null, is_live: true }
    set.connections.put(connectionId, row)
  }
  return connectionId
}

/** See `LedgerWrites.connectionClosed`. */
export function connectionClosed({ connectionId, at }: WriteInput<'connectionClosed'>): Unit<void> {
  return {
    want: (wanted) => wanted.connections.add(connectionId),
    decide(set) {
      const known = set.connections.get(connectionId)
      if (known?.closed_at === null) set.connections.put(connectionId, { ...known, closed_at: toMs(at) })
    },
  }
}
