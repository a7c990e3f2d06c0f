/** How a caller proved who it is. Policies see it as `context.authMethod`. */
export type AuthMethod = 'x509-svid' | 'jwt-svid' | 'x509-svid+jwt-svid'

/**
 * A caller whose proof has been checked, as of one call. Made only by `identity`; edges pass it on, the domain trusts it.
 */
export interface CallerIdentity {
  /** The agent: today always a SPIFFE ID with a path, e.g. `spiffe://example.org/ci/deploy`. */
  readonly subject: string
  /** Trust domain name without the scheme, e.g. `example.org`. */
  readonly trustDomain: string
  readonly authMethod: AuthMethod
  /** The earliest end of the proofs shown: after it, the call no longer counts as authenticated. */
  readonly expiresAt: Date
  /** For the record. Fingerprint: lower-case hex SHA-256 of the leaf's DER. Token id: `jti`, else the hash of the signing input. */
  readonly evidence: { readonly certificateFingerprint?: string; readonly tokenId?: string }
  /**
   * Set when the call rests on a bearer token alone: the replay guard's key and how long it must be remembered.
   * An issuing call consumes it once.
   */
  readonly replay?: { readonly key: string; readonly until: Date }
}
