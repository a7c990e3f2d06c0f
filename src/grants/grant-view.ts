import type { IssuedCredentials } from '../credentials/provider.ts'
import type { Approval, Grant, Lease } from '../ledger/records.ts'

/** A grant as its agent sees it. */
export interface GrantView {
  readonly grant: Grant
  /** Only while the grant awaits it. */
  readonly approval?: Approval
  /** Set when leases issued before this instant were cut to make room on the deny list: the agent should renew now. */
  readonly renewAfter?: Date
}

/** A lease on its way to the agent: the only place where credentials leave the process. */
export interface RevealedLease {
  readonly lease: Lease
  /** What SDKs are told as expiration: before `lease.notAfter`, so that no call meets the time Deny. */
  readonly usableUntil: Date
  readonly credentials: IssuedCredentials
}

/** What RequestGrant and RenewLease answer. */
export interface GrantAnswer extends GrantView {
  /** Only with an active grant. */
  readonly lease?: RevealedLease
}

/** What a revocation came to, said as it truly is. */
export type RevocationOutcome =
  /** No credential of the grant works any more. */
  | { readonly kind: 'ended'; readonly at: Date }
  /** The deny list is being written; by `effectiveBy` at the latest nothing works, deny or not. */
  | { readonly kind: 'ending'; readonly effectiveBy: Date }
  /** No deny list reaches this role: the last lease runs until then. */
  | { readonly kind: 'not-revocable'; readonly usableUntil: Date }
