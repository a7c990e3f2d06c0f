import { asStintError, StintError } from '../../core/errors.ts'
import { bundleInvalid } from './bundle-problems.ts'
import { nameBytes } from './bundle-root.ts'
import type { TrustBundle } from './trust-bundle.ts'

/** The bundles of one moment; never changes. */
export interface BundleSnapshot {
  /** Goes up by one with each change of what is trusted. */
  readonly generation: number
  get(trustDomain: string): TrustBundle | undefined
  /** True if the trust domain is without a bundle because its source is out of order: it may be trusted again. */
  isUnavailable(trustDomain: string): boolean
}

/**
 * @throws {StintError} TRUST_DOMAIN_UNKNOWN; TRUST_DOMAIN_UNAVAILABLE while an outage of ours keeps the bundle away, which
 *   is no fault of the caller.
 */
export function requireBundle(bundles: BundleSnapshot, trustDomain: string): TrustBundle {
  const bundle = bundles.get(trustDomain)
  if (bundle) return bundle
  if (bundles.isUnavailable(trustDomain)) {
    const explanation = `No current trust bundle is available for ${trustDomain}. Try again; if it persists, check the broker's status.`
    throw new StintError('TRUST_DOMAIN_UNAVAILABLE', { trustDomain, explanation })
  }
  const explanation = 'No trust bundle is configured for the trust domain of this SPIFFE ID.'
  throw new StintError('TRUST_DOMAIN_UNKNOWN', { trustDomain, explanation })
}

/** Something that keeps the store's bundles current: files today; a Workload API or a federation endpoint fit as well. */
export interface BundleSource {
  /** Resolves when the first bundles are in the store. */
  start(): Promise<void>
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

/**
 * @param sinceMs by the monotonic clock.
 * @returns how long until a look at the source that began after that instant should have worked; 0 once one has, or when the
 *   source has no more to say.
 */
export type UntilLooked = (sinceMs: number) => number

/** The most bytes of names in a CertificateRequest, well below what any client reads (Java: 32 KiB in all). */
const MAX_NAME_BYTES = 30_000

/**
 * Holds the trust bundle of each trust domain. Readers take an immutable snapshot, so that one decision never sees two
 * states. Bundles of different trust domains are never merged: only the TLS handshake, which cannot tell them apart,
 * gets the union of their roots.
 */
export class BundleStore {
  #bundles: ReadonlyMap<string, TrustBundle> = new Map()
  #unavailable: ReadonlySet<string> = new Set()
  #snapshot: BundleSnapshot = createSnapshot(0, { bundles: new Map(), unavailable: new Set() })
  #roots: readonly string[] = []
  readonly #listeners = new Set<() => void>()
  readonly #looks = new Map<string, UntilLooked>()
  readonly #onListeners: (error: StintError | undefined) => void

  /**
   * @param options.onListeners hears after each change what a listener has thrown, or that none has; the change counts
   *   all the same. Must not throw.
   */
  constructor({ onListeners = () => {} }: { readonly onListeners?: (error: StintError | undefined) => void } = {}) {
    this.#onListeners = onListeners
  }

  /** The state of now. */
  get snapshot(): BundleSnapshot {
    return this.#snapshot
  }

  get generation(): number {
    return this.#snapshot.generation
  }

  get(trustDomain: string): TrustBundle | undefined {
    return this.#snapshot.get(trustDomain)
  }

  /** PEM of every root of every trust domain, for OpenSSL; empty means that every client is refused. */
  roots(): readonly string[] {
    return this.#roots
  }

  /**
   * Puts the bundle in the place of the one before. The same content again changes nothing.
   *
   * @returns whether anything has changed.
   * @throws {StintError} BUNDLE_INVALID with `details.check` trust-domain (the bundle is another domain's) or rollback
   *   (its sequence is lower than that of the one held, or missing where that one had one).
   */
  replace(trustDomain: string, bundle: TrustBundle): boolean {
    return this.apply(new Map([[trustDomain, bundle]]))
  }

  /**
   * As `replace` for several trust domains in one step and one generation; undefined ends trust in a domain.
   *
   * @throws {StintError} as `replace`, and names (all roots together have names that no handshake can hold); then nothing has changed.
   */
  apply(changes: ReadonlyMap<string, TrustBundle | undefined>): boolean {
    const next = new Map(this.#bundles)
    let changed = [...changes.keys()].some((trustDomain) => this.#unavailable.has(trustDomain))
    for (const [trustDomain, bundle] of changes) {
      const held = next.get(trustDomain)
      if (bundle) checkSuccessor(trustDomain, bundle, held)
      if (held?.digest === bundle?.digest && held?.sequence === bundle?.sequence) continue
      changed = true
      if (bundle) next.set(trustDomain, bundle)
      else next.delete(trustDomain)
    }
    if (changed) {
      checkAllNames(next)
      this.#set(next, new Set([...this.#unavailable].filter((trustDomain) => !changes.has(trustDomain))))
    }
    return changed
  }

  /**
   * Takes the bundles of these trust domains away until their source works again: nothing of them is accepted, as after
   * `remove`, but whoever asks is told to come again.
   */
  suspend(trustDomains: readonly string[]): void {
    const gone = new Set(trustDomains)
    if (trustDomains.every((name) => this.#unavailable.has(name) && !this.#bundles.has(name))) return
    const left = new Map([...this.#bundles].filter(([trustDomain]) => !gone.has(trustDomain)))
    this.#set(left, new Set([...this.#unavailable, ...gone]))
  }

  /** Ends trust in a domain. */
  remove(trustDomain: string): void {
    this.apply(new Map([[trustDomain, undefined]]))
  }

  /** A source that may bring new keys of the trust domain says how long that takes. Must not throw. */
  followLooks(trustDomain: string, untilLooked: UntilLooked): void {
    this.#looks.set(trustDomain, untilLooked)
  }

  /** As `UntilLooked`; 0 for a trust domain that nobody looks for. */
  untilLookedMs(trustDomain: string, sinceMs: number): number {
    return this.#looks.get(trustDomain)?.(sinceMs) ?? 0
  }

  /**
   * Calls the listener after each change; the store already shows the new state.
   *
   * @returns ends the subscription.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #set(bundles: ReadonlyMap<string, TrustBundle>, unavailable: ReadonlySet<string>): void {
    this.#bundles = bundles
    this.#unavailable = unavailable
    this.#snapshot = createSnapshot(this.#snapshot.generation + 1, { bundles, unavailable })
    this.#roots = [
      ...new Set([...bundles.values()].flatMap((bundle) => bundle.x509Authorities.map((root) => root.x509.toString()))),
    ]
    let problem: StintError | undefined
    for (const listener of this.#listeners) {
      try {
        listener()
      } catch (error) {
        problem = asStintError(error)
      }
    }
    this.#onListeners(problem)
  }
}

function checkAllNames(bundles: ReadonlyMap<string, TrustBundle>): void {
  const bytes = [...bundles.values()].reduce((sum, bundle) => sum + nameBytes(bundle.x509Authorities), 0)
  if (bytes <= MAX_NAME_BYTES) return
  throw bundleInvalid(
    'names',
    `All root names together have ${bytes} bytes; a TLS handshake has room for ${MAX_NAME_BYTES}.`,
  )
}

function checkSuccessor(trustDomain: string, bundle: TrustBundle, held: TrustBundle | undefined): void {
  if (bundle.trustDomain !== trustDomain) {
    throw bundleInvalid('trust-domain', 'The bundle belongs to another trust domain.')
  }
  if (held?.sequence !== undefined && (bundle.sequence === undefined || bundle.sequence < held.sequence)) {
    throw bundleInvalid('rollback', 'The bundle is older than the one in use: its spiffe_sequence is lower or missing.')
  }
}

function createSnapshot(
  generation: number,
  { bundles, unavailable }: { bundles: ReadonlyMap<string, TrustBundle>; unavailable: ReadonlySet<string> },
): BundleSnapshot {
  return {
    generation,
    get: (trustDomain) => bundles.get(trustDomain),
    isUnavailable: (trustDomain) => unavailable.has(trustDomain),
  }
}
