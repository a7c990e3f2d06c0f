import type { CredentialProvider } from '../credentials/provider.ts'
import type { DenyTarget, Grant, Lease } from '../ledger/records.ts'

/** Remembers, per deny target, before which instant every session is denied, so that survivors can be told to renew. */
export class Watermarks {
  readonly #byTarget = new Map<string, Date>()
  readonly #provider: Pick<CredentialProvider, 'revocationTarget'>

  constructor({ provider }: { provider: Pick<CredentialProvider, 'revocationTarget'> }) {
    this.#provider = provider
  }

  /** At start: what the ledger knows. */
  load(targets: readonly DenyTarget[]): void {
    for (const { target, watermark } of targets) if (watermark) this.#byTarget.set(target, watermark)
  }

  /** @returns whether it was another one before. */
  set(target: string, watermark: Date): boolean {
    const before = this.#byTarget.get(target)
    this.#byTarget.set(target, watermark)
    return before?.getTime() !== watermark.getTime()
  }

  /** The watermark that the role of this grant lies under. */
  over(grant: Grant): Date | undefined {
    if (this.#byTarget.size === 0) return undefined
    const target = this.#provider.revocationTarget(grant.roleArn)
    return target && this.#byTarget.get(target.key)
  }

  /** The watermark, if it cuts the newest lease of the grant. */
  cutting(grant: Grant, newest: Lease | undefined): Date | undefined {
    const watermark = this.over(grant)
    return watermark && newest?.issuedAt && newest.issuedAt < watermark ? watermark : undefined
  }
}
