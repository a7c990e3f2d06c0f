/**
 * How a caller can prove who it is. Policies see it as `context.authMethod`. In `x509-svid+oidc` the token names the agent and
 * is bound to the certificate of the connection; a token alone is a bearer token.
 */
export const AUTH_METHODS = ['x509-svid', 'jwt-svid', 'x509-svid+jwt-svid', 'oidc', 'x509-svid+oidc'] as const
/** One of `AUTH_METHODS`. */
export type AuthMethod = (typeof AUTH_METHODS)[number]

/**
 * A caller whose proof has been checked, as of one call. Made only by `identity`; edges pass it on, the domain trusts it.
 */
export interface CallerIdentity {
  /** The agent: a SPIFFE ID with a path, e.g. `spiffe://example.org/ci/deploy`, or the subject of an OIDC issuer. */
  readonly subject: string
  /** Trust domain name without the scheme, e.g. `example.org`; for an OIDC issuer `oidc:` and its alias. */
  readonly trustDomain: string
  readonly authMethod: AuthMethod
  /** The earliest end of the proofs shown: after it, the call no longer counts as authenticated. */
  readonly expiresAt: Date
  /**
   * For the record. Fingerprint: lower-case hex SHA-256 of the leaf's DER. Token id: `jti`, else the hash of the signing
   * input. Facets: what an issuer says besides of the agent, never judged.
   */
  readonly evidence: {
    readonly certificateFingerprint?: string
    readonly tokenId?: string
    readonly facets?: Readonly<Record<string, string>>
  }
  /**
   * Set when the call rests on a bearer token alone: the replay guard's key, how long it must be remembered, and by which
   * connection it came.
   */
  readonly token?: { readonly key: string; readonly until: Date; readonly connection: CallConnection }
  /**
   * Set when whoever vouches for the caller is to be asked whether that still holds. An issuing call does, before anything is
   * written. @throws {StintError} TOKEN_INVALID; ISSUER_UNAVAILABLE when nobody can say
   */
  readonly askIssuer?: (signal: AbortSignal) => Promise<void>
}

/** The connection that a call came by. */
export interface CallConnection {
  /** `con_` and a ULID; never used again. */
  readonly id: string
  /** Aborts when it is closed. */
  readonly closed: AbortSignal
}
