/** The operator's record of an agent. Without one that covers it and is in order, an agent is not served. */
export interface Registration {
  /** Unique. */
  readonly name: string
  /**
   * An exact SPIFFE ID, or a path prefix under one trust domain that ends in `/*`, e.g. `spiffe://example.org/ci/*`. Or an
   * exact OIDC subject, or the first of its fields with `;*` for any others, e.g. `oidc:github:repository_id=42;*`.
   */
  readonly match: string
  readonly owner: string
  readonly team: string
  readonly purpose: string
  /** Where people who have a question about the agent can ask, e.g. a channel. */
  readonly contact?: string
  readonly expiresAt: Date
  /** The next review is due by then; without one, nobody has to look at it until it expires. */
  readonly reviewAt?: Date
  /** Where it was written down; `file` if not given. */
  readonly source?: RegistrationSource
  /** With `api`: its version, which every change names. */
  readonly version?: number
}

/** A registry file, or the admin API, whose registrations are in the ledger. */
export type RegistrationSource = 'file' | 'api'

/** The standing of a registration: `good`, or why its agents are not served. */
export type RegistrationStanding = 'good' | 'expired' | 'unreviewed' | 'ownerless'

/** The code of the error for agents of a registration with this standing. */
export const STANDING_CODES = {
  expired: 'REGISTRATION_EXPIRED',
  unreviewed: 'REGISTRATION_UNREVIEWED',
  ownerless: 'REGISTRATION_OWNERLESS',
} as const satisfies Record<Exclude<RegistrationStanding, 'good'>, string>
