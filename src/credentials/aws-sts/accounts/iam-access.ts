import type { IAMClient } from '@aws-sdk/client-iam'
import type { CircuitBreaker } from '../calls/circuit-breaker.ts'
import type { BrokerCredentials } from '../own-credentials/broker-credentials.ts'

/** How the IAM of one account is reached: every call about a deny document goes this way, reads and writes alike. */
export interface IamAccess {
  readonly client: IAMClient
  /** The credentials that the client signs with. */
  readonly credentials: BrokerCredentials
  /** The breaker of the account. */
  readonly breaker?: CircuitBreaker
  /** The role of the account that the broker acts through; absent where it uses credentials of its own. */
  readonly revoker?: { readonly roleArn: string; readonly accountId: string }
  /**
   * Obtains the credentials if need be; to be called before the first call of an attempt.
   *
   * @throws {StintError} PROVIDER_*, CANCELLED
   */
  readonly ready?: (signal: AbortSignal) => Promise<void>
}

/** The way to the account of a deny document. @param target key of the document */
export type FindIamAccess = (target: string) => IamAccess
