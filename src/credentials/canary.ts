import type { IssuedCredentials, MintRequest } from './provider.ts'

/**
 * The canary of a deny list: a role that the same document denies sessions of, and one harmless read that policies govern. While a
 * session of it may read, a deny of that session is not in force.
 */
export interface CanaryRole {
  readonly roleArn: string
  /** All that its sessions may do. */
  readonly access: { readonly actions: readonly string[]; readonly resources: readonly string[] }
}

/** The answer to the read of a canary's session. */
export interface CanaryAnswer {
  /** False: the cloud's policies refused it. */
  readonly allowed: boolean
  /** The cloud's time, of this answer. */
  readonly at?: Date
}

/** Sessions that show whether a deny list is in force. Their credentials stay in this process. */
export interface Canaries {
  /** Undefined for a deny list without a canary. */
  find(listKey: string): CanaryRole | undefined
  /**
   * A session of the canary role, from records as a lease is.
   *
   * @throws {StintError} as `CredentialProvider.mint`
   */
  mint(listKey: string, request: MintRequest, signal: AbortSignal): Promise<IssuedCredentials>
  /**
   * Makes the read once.
   *
   * @throws {StintError} PROVIDER_*, CANCELLED: nobody can say whether policies allow it.
   */
  look(canary: CanaryRole, credentials: IssuedCredentials, signal: AbortSignal): Promise<CanaryAnswer>
}
