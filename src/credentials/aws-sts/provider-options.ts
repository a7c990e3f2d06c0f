import type { StoreProfile } from '../../aws/store-profile.ts'
import type { Clock } from '../../core/clock.ts'
import type { AwsRole } from './accounts/served-roles.ts'
import type { StsClientKind } from './calls/assume-role-call.ts'
import type { AwsNetwork, HttpLimits } from './calls/network.ts'
import type { ProviderObserver } from './calls/observer.ts'
import type { RetryLimits } from './calls/retry.ts'
import type { DenyKey } from './deny/deny-document.ts'
import type { MintBy } from './mint/mint-by.ts'
import type { AnswerStrictness } from './mint/session-answer.ts'
import type { BrokerKeys, ReadBrokerKeys } from './own-credentials/broker-credentials.ts'

/** Options of the provider: one region, any number of accounts. */
export interface AwsStsProviderOptions {
  /** The region whose STS endpoint is called; its tokens are valid in all regions. */
  readonly region: string
  /** The default chain uses it too when it gets the broker's own credentials from STS. Default: AWS's endpoint. */
  readonly stsEndpoint?: string
  readonly iamEndpoint?: string
  readonly network?: AwsNetwork
  /**
   * The broker's own credentials, for AssumeRole only. A function is called again whenever AWS refuses its credentials. Default:
   * AWS's default chain.
   */
  readonly credentials?: BrokerKeys | ReadBrokerKeys
  /** The credentials that write deny lists where no revoker is configured. Default: `credentials`. */
  readonly iamCredentials?: BrokerKeys | ReadBrokerKeys
  readonly roles: readonly AwsRole[]
  /** The way to mint. Default `assume-role`. */
  readonly mintBy?: MintBy
  /** The client that sends AssumeRole for leases. Default `direct`. */
  readonly stsClient?: StsClientKind
  /** Pace of STS calls, below the quota of 600 a second an account and region. Default 300. */
  readonly callsPerSecond?: number
  readonly clock: Clock
  /** In [0, 1), for the jitter of retries. Default Math.random. */
  readonly random?: () => number
  readonly observer?: ProviderObserver
  /** The kind of store that answers. Default AWS. */
  readonly profile?: StoreProfile
  /** How closely answers are checked. Default as the profile says. */
  readonly strictness?: AnswerStrictness
  /** Characters that the role's other inline policies take of IAM's 10,240. Default 4,096. */
  readonly otherInlineCharacters?: number
  /** The keys by which a boundary denies the sessions of a grant. Default both, as far as there is room. */
  readonly denyBy?: DenyKey
  readonly http?: Partial<HttpLimits>
  readonly mintLimits?: Partial<RetryLimits>
  readonly writeLimits?: Partial<RetryLimits>
}
