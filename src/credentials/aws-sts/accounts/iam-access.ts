import type { IAMClient } from '@aws-sdk/client-iam'
import type { CircuitBreaker } from '../calls/circuit-breaker.ts'
import type { BrokerCredentials } from '../own-credentials/broker-credentials.ts'

/** Access to the IAM of one account, for every read and write of a deny document. */
export interface IamAccess {
  readonly client: IAMClient
  /** The credentials that the client signs with. */
  readonly credentials: BrokerCredentials
  /** The breaker of the account. */
  readonly breaker?: CircuitBreaker
  /** The revoker that the broker acts through; absent if it uses its own credentials. */
  readonly revoker?: { readonly roleArn: string; readonly accountId: string }
  /**
   * Obtains the credentials if they are missing or expired. Call it before the first call of an attempt.
   *
   * @throws {StintError} PROVIDER_*, CANCELLED
   */
  readonly ready?: (signal: AbortSignal) => Promise<void>
}

/** Finds the access to the account of a deny document. @param target key of the document */
export type FindIamAccess = (target: string) => IamAccess
