import { asStintError, StintError } from '../core/errors.ts'
import type { BundleStore } from './bundle/bundle-store.ts'
import type { VerifiedX509Svid } from './x509/x509-svid.ts'
import { verifyX509Svid } from './x509/x509-svid.ts'

/**
 * A TLS connection whose peer has shown an X.509-SVID. The SVID was checked when the connection came; a call on it costs
 * two comparisons, and a full check again only after a change of the bundles.
 */
export class VerifiedConnection {
  /** The peer's address as text, for the record; never proof of anything. */
  readonly peer: string
  readonly #chain: readonly Uint8Array[]
  readonly #bundles: BundleStore
  #svid: VerifiedX509Svid
  #generation: number
  #refusal: StintError | undefined

  /**
   * Checks the chain.
   *
   * @param chain what the peer sent, DER, leaf first.
   * @throws {StintError} as `verifyX509Svid`.
   */
  constructor(dependencies: { chain: readonly Uint8Array[]; bundles: BundleStore; now: Date; peer: string }) {
    this.peer = dependencies.peer
    this.#chain = dependencies.chain
    this.#bundles = dependencies.bundles
    this.#svid = this.#verify(dependencies.now)
    this.#generation = this.#svid.generation
  }

  /**
   * The SVID, as valid now. Call it for every call, and before each message of a long stream.
   *
   * @throws {StintError} SVID_EXPIRED when its time is over; SVID_INVALID or what `requireBundle` throws when a change of
   *   the bundles has ended trust in it.
   */
  svid(now: Date): VerifiedX509Svid {
    const { snapshot } = this.#bundles
    if (snapshot.generation !== this.#generation) this.#recheck(now)
    if (this.#refusal) throw this.#refusal
    if (now >= this.#svid.notBefore && now <= this.#svid.notAfter) return this.#svid
    throw new StintError('SVID_EXPIRED', {
      check: now < this.#svid.notBefore ? 'not-before' : 'not-after',
      explanation: 'The X.509-SVID of this connection is outside its validity; connect again with a current one.',
    })
  }

  #recheck(now: Date): void {
    const { snapshot } = this.#bundles
    this.#generation = snapshot.generation
    const same = snapshot.get(this.#svid.id.trustDomain) === this.#svid.bundle
    if (same && !this.#refusal) return
    this.#refusal = undefined
    try {
      this.#svid = this.#verify(now)
    } catch (error) {
      this.#refusal = asStintError(error)
    }
  }

  #verify(now: Date): VerifiedX509Svid {
    return verifyX509Svid(this.#chain, { bundles: this.#bundles.snapshot, now })
  }
}
