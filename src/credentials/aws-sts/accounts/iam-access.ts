import type { IAMClient } from '@aws-sdk/client-iam'
import type { BrokerCredentials } from '../own-credentials/broker-credentials.ts'

/** How the IAM of one account is reached: every call about a deny document goes this way, reads and writes alike. */
export interface IamAccess {
  readonly client: IAMClient
  /** What the client signs with. */
  readonly credentials: BrokerCredentials
}

/** The way to the account of a deny document. @param target key of the document */
export type FindIamAccess = (target: string) => IamAccess
