import { StintError } from '../../core/errors.ts'
import { type AuditEventInput, auditEvent } from '../events/audit-event.ts'
import type { TokenUse } from '../ledger.ts'
import type { Lease } from '../records.ts'

/** How often a token may go from a connection that is gone to another one. */
export const MAX_TOKEN_MOVES = 8

/** The record of a token. */
export interface TokenBinding {
  readonly until: Date
  readonly moves: number
  /** The use that it was last bound for. */
  readonly grantId?: string
  readonly by?: TokenUse['by']
  /** The lease that it was last bound for, if that is still on record. */
  readonly lease?: Pick<Lease, 'state' | 'end' | 'outcomeUnknown'>
  /** Missing for a token that was bound before connections were on record. */
  readonly owner?: {
    readonly connectionId: string
    readonly replica: string
    readonly isClosed: boolean
    /** Its replica has not been heard of, so nobody would tell of the connection's end. */
    readonly isSilent: boolean
  }
}

/** The grant of a unit, and the lease that it intends, if any. */
export interface TokenPurpose {
  readonly grantId: string
  readonly leaseId: string | undefined
  /**
   * The grant waits for a person. Its token is bound to the connection that asked, though nothing is minted yet: whoever has
   * copied it must not collect what the yes was for. A token that mints once is not spent by it.
   */
  readonly waits: boolean
}

/** The effect of a use on the record of a token: nothing, bind it anew, name a new lease, or move it to this connection. */
export type TokenStep = 'none' | 'bind' | 'note_lease' | 'move'

/**
 * Checks that a token may be used. It is bound where a lease is intended: both or neither, since it is one unit.
 *
 * @param replica this process.
 * @throws {StintError} TOKEN_REPLAYED with both sides by their ids; `details.check` is spent, connection or moves.
 */
export function tokenStep(
  binding: TokenBinding | undefined,
  use: TokenUse,
  purpose: TokenPurpose,
  replica: string,
): TokenStep {
  const { leaseId, waits } = purpose
  if (!binding || binding.until <= use.at) {
    return leaseId !== undefined || (waits && use.reuse === 'connection') ? 'bind' : 'none'
  }
  if (use.reuse === 'never') {
    checkComesBack(binding, use, purpose, replica)
    return leaseId === undefined ? 'none' : 'note_lease'
  }
  const { owner } = binding
  const isOurs = owner?.connectionId === use.connectionId && owner.replica === replica
  if (isOurs && !owner.isClosed) return 'none'
  if (owner && !owner.isClosed && !owner.isSilent) throw tokenReplayed('connection', use, binding, replica)
  if (binding.moves >= MAX_TOKEN_MOVES) throw tokenReplayed('moves', use, binding, replica)
  return leaseId !== undefined || waits ? 'move' : 'none'
}

/** A token mints once. A caller that comes back for the same grant, or has received nothing yet, may show it again. */
function checkComesBack(binding: TokenBinding, use: TokenUse, { grantId }: TokenPurpose, replica: string): void {
  const gotNothing = binding.by === 'renewal' && !mayBeRevealed(binding.lease)
  if (binding.grantId === grantId && (use.by === 'request' || gotNothing)) return
  throw tokenReplayed('spent', use, binding, replica)
}

/** True if the credentials of a lease may have left the process, or may yet. */
function mayBeRevealed(lease: TokenBinding['lease']): boolean {
  if (!lease) return true
  return lease.state === 'intended' ? !lease.outcomeUnknown : lease.end !== 'not_minted'
}

/** The event of a move to the connection of a use. @param replica this process */
export function tokenMoved(
  { at, connectionId, caller: { subject, evidence } }: TokenUse,
  { owner, moves }: TokenBinding,
  replica: string,
): AuditEventInput {
  const from = owner ? { connectionId: owner.connectionId, replica: owner.replica } : {}
  const to = { connectionId, replica }
  return auditEvent('token.moved', { at, actor: subject, data: { ...evidence, from, to, move: moves + 1 } })
}

/** @throws {StintError} CANCELLED: nothing is bound to a connection that is gone. */
export function checkConnectionOpen(isClosed: boolean): void {
  if (isClosed) throw new StintError('CANCELLED', { explanation: "The call's connection has closed." })
}

const REPLAY_EXPLANATIONS = {
  spent: 'A bearer token mints once here (identity.tokens.reuse: never); fetch a fresh one for each call that mints.',
  connection:
    'Another connection, which is open, mints with this bearer token; close that one, or fetch a token of your own.',
  moves: `The bearer token has gone from one connection to another ${MAX_TOKEN_MOVES} times; fetch a fresh one.`,
} as const

/** The refusal of a token that somebody else holds or has spent. */
export function tokenReplayed(
  check: keyof typeof REPLAY_EXPLANATIONS,
  { connectionId }: TokenUse,
  { owner, grantId }: TokenBinding,
  replica: string,
): StintError {
  return new StintError('TOKEN_REPLAYED', {
    check,
    explanation: REPLAY_EXPLANATIONS[check],
    connectionId,
    replica,
    ...(owner ? { ownerConnectionId: owner.connectionId, ownerReplica: owner.replica } : {}),
    ...(check === 'spent' && grantId !== undefined ? { grantId } : {}),
  })
}
