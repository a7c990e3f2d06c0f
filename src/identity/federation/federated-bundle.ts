import type { Clock } from '../../core/clock.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import type { GuardedFetch } from '../../core/net/guarded-fetch.ts'
import { BundleLooks } from '../bundle/bundle-looks.ts'
import { type BundleReports, bundleInvalid } from '../bundle/bundle-problems.ts'
import type { BundleSource, BundleStore } from '../bundle/bundle-store.ts'
import { type ParsedBundle, parseSpiffeBundle, type TrustBundle } from '../bundle/trust-bundle.ts'
import { parseSpiffeId } from '../spiffe-id.ts'
import { type EndpointProfile, endpointFetch } from './endpoint-fetch.ts'

/** Reports carry the component `federation:<trust domain>`. */
export interface FederatedBundleOptions extends BundleReports {
  readonly store: BundleStore
  readonly trustDomain: string
  /** The https URL of the bundle endpoint. */
  readonly url: string
  readonly profile: EndpointProfile
  /** For `https_spiffe`: what the endpoint's server is checked with before the first fetch; trusted for nothing else. */
  readonly bootstrap?: TrustBundle | undefined
  /** From the last successful fetch; after it the trust domain is not trusted until a fetch succeeds. */
  readonly maxStalenessMs: number
  /** Hosts that may lead to private addresses. */
  readonly allowPrivate?: readonly string[] | undefined
  readonly clock: Clock
  /** Takes the place of the network in tests. */
  readonly fetch?: GuardedFetch
}

const DEFAULT_REFRESH_MS = 300_000
/** A look at both clocks this often at least, since a suspended machine stops one of them. */
const MAX_NAP_MS = 60_000

/**
 * Keeps the bundle of another trust domain current from its bundle endpoint. One fetch per interval (the bundle's own
 * hint, 60 s to 24 h, by default 5 min, and never more than a third of the bound for staleness), whether it succeeds or
 * not. A bundle with a lower sequence is refused, also after the trust domain has been dropped for staleness.
 *
 * @see SPIFFE Federation, sections 4, 5.2 and 6.2; SPIFFE Trust Domain and Bundle, section 4.1
 */
export class FederatedBundle implements BundleSource {
  readonly #options: FederatedBundleOptions
  readonly #fetch: GuardedFetch
  readonly #looks: BundleLooks
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  /** The latest that was fetched; kept for checking the endpoint and the sequence when trust has ended. */
  #latest: TrustBundle | undefined
  /** When that was; undefined while the trust domain is not trusted. */
  #fetchedAt: { wallMs: number; monotonicMs: number } | undefined

  constructor(options: FederatedBundleOptions) {
    this.#options = options
    const { clock, profile, allowPrivate, store, trustDomain } = options
    this.#looks = new BundleLooks({ clock })
    store.followLooks(trustDomain, (sinceMs) => this.#looks.untilLookedMs(sinceMs))
    const currentBundle = () => this.#endpointBundle()
    this.#fetch =
      options.fetch ?? endpointFetch(profile, { clock, currentBundle, ...(allowPrivate && { allowPrivate }) })
  }

  /** Tries once. An endpoint that fails is a problem, not a throw: its trust domain is not trusted until it is back. */
  async start(): Promise<void> {
    if (this.#running) return
    await this.#refresh()
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stop
    let nextMs = this.#planNext()
    while (!signal.aborted) {
      const nap = Math.min(nextMs - clock.monotonicMs(), this.#freshMs() ?? MAX_NAP_MS, MAX_NAP_MS)
      await clock.sleep(Math.max(1, nap), signal).catch(() => undefined)
      if (signal.aborted) return
      this.#dropIfStale()
      if (clock.monotonicMs() < nextMs) continue
      await this.#refresh()
      nextMs = this.#planNext()
    }
  }

  #planNext(): number {
    const intervalMs = this.#intervalMs()
    this.#looks.nextIn(intervalMs)
    return this.#options.clock.monotonicMs() + intervalMs
  }

  async #refresh(): Promise<void> {
    const { store, trustDomain, clock, onState, onNotes } = this.#options
    const worked = this.#looks.begin()
    try {
      const { bundle, notes } = await this.#fetchBundle()
      if (this.#stop.signal.aborted) return
      store.replace(trustDomain, bundle)
      worked()
      this.#latest = bundle
      this.#fetchedAt = { wallMs: clock.now().getTime(), monotonicMs: clock.monotonicMs() }
      onState(this.#component, undefined)
      onNotes(this.#component, notes)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#dropIfStale()
      if (!this.#fetchedAt) store.suspend([trustDomain])
      onState(this.#component, this.#problem(error))
    }
  }

  async #fetchBundle(): Promise<ParsedBundle> {
    const { url, trustDomain } = this.#options
    const { status, body } = await this.#fetch(url, { signal: this.#stop.signal })
    if (status !== 200) {
      throw new StintError('FETCH_FAILED', { check: 'status', status, explanation: `The endpoint answered ${status}.` })
    }
    const parsed = parseSpiffeBundle(trustDomain, body)
    const [before, now] = [this.#latest?.sequence, parsed.bundle.sequence]
    if (before !== undefined && (now === undefined || now < before)) {
      throw bundleInvalid('rollback', 'The endpoint sent an older bundle: its spiffe_sequence is lower or missing.')
    }
    return parsed
  }

  #problem(thrown: unknown): StintError {
    const { code, details, message } = asStintError(thrown)
    const consequence = this.#fetchedAt
      ? 'The previous bundle stays in use for now.'
      : `${this.#options.trustDomain} is not trusted until a fetch succeeds.`
    return new StintError(code, { ...details, explanation: `${details.explanation ?? message} ${consequence}` }, thrown)
  }

  #dropIfStale(): void {
    const { store, trustDomain, onState, onNotes } = this.#options
    const fresh = this.#freshMs()
    if (fresh === undefined || fresh > 0) return
    this.#fetchedAt = undefined
    store.suspend([trustDomain])
    onNotes(this.#component, [])
    const explanation = `The bundle of ${trustDomain} is too old to trust, and fetching a newer one fails. Its agents are refused until a fetch succeeds.`
    onState(this.#component, new StintError('BUNDLE_INVALID', { check: 'stale', trustDomain, explanation }))
  }

  /** How long the bundle may still be used; undefined when there is none. */
  #freshMs(): number | undefined {
    const { clock, maxStalenessMs } = this.#options
    if (!this.#fetchedAt) return undefined
    const { wallMs, monotonicMs } = this.#fetchedAt
    return maxStalenessMs - Math.max(clock.now().getTime() - wallMs, clock.monotonicMs() - monotonicMs)
  }

  #intervalMs(): number {
    const seconds = this.#latest?.refreshHintSeconds
    return Math.min(seconds === undefined ? DEFAULT_REFRESH_MS : seconds * 1_000, this.#options.maxStalenessMs / 3)
  }

  /**
   * The roots that the endpoint's server is checked with: for an endpoint within the trust domain itself the latest bundle, before
   * that the configured one; else the bundle that the store has of the endpoint's trust domain.
   */
  #endpointBundle(): TrustBundle | undefined {
    const { store, trustDomain, profile, bootstrap } = this.#options
    if (profile.kind !== 'https_spiffe') return undefined
    const endpoint = parseSpiffeId(profile.endpointSpiffeId)
    return endpoint.trustDomain === trustDomain ? (this.#latest ?? bootstrap) : store.get(endpoint.trustDomain)
  }

  get #component(): string {
    return `federation:${this.#options.trustDomain}`
  }
}
