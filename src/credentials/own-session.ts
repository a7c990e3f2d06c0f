import type { Lease } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import type { CredentialProvider, IssuedCredentials } from './provider.ts'

/** A session that Stint starts for a check of its own; its credentials never leave the process. */
export interface OwnSessionRequest {
  /** All that it may do, for the subject `stint:<check>`. */
  readonly plan: Plan
  readonly leaseMs: number
  /** The id of its grant, where that has been chosen already. */
  readonly grantId?: string
  /** The deny list that the check is about. */
  readonly denyList?: string
  readonly mint: CredentialProvider['mint']
}

/**
 * Puts a session on record, then starts it, then puts its outcome on record.
 *
 * @throws {StintError} as a mint; nothing is started that could not be recorded.
 */
export type StartOwnSession = (
  request: OwnSessionRequest,
  signal: AbortSignal,
) => Promise<{ readonly lease: Lease; readonly credentials: IssuedCredentials }>
