/** The operator's record of an agent. Without one that covers it and has not expired, an agent is not served. */
export interface Registration {
  /** Unique name within the registry file. */
  readonly name: string
  /**
   * An exact SPIFFE ID, or a path prefix under one trust domain that ends in `/*`, e.g. `spiffe://example.org/ci/*`. Or an
   * exact OIDC subject, or the first of its fields with `;*` for any others, e.g. `oidc:github:repository_id=42;*`.
   */
  readonly match: string
  readonly owner: string
  readonly team: string
  readonly purpose: string
  readonly expiresAt: Date
  readonly reviewAt?: Date
}
