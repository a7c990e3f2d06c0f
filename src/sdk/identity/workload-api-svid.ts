import { status } from '@grpc/grpc-js'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import type { SvidChoice } from '../../identity/workload-api/choose-svid.ts'
import { workloadApiTarget } from '../../identity/workload-api/endpoint.ts'
import { fetchX509Once } from '../../identity/workload-api/fetch-once.ts'
import { tlsIdentity } from '../../identity/workload-api/own-identity.ts'
import {
  chooseSvid,
  type OwnX509Svid,
  readX509Context,
  type X509Context,
} from '../../identity/workload-api/x509-context.ts'
import type { LoadedSvid, SvidProvider } from './svid-source.ts'
import { tlsContext } from './svid-source.ts'

/**
 * Where an agent's identity comes from in a SPIFFE cluster: no files. Where the Workload API offers several SVIDs, the one
 * that is ours has to be named by its SPIFFE ID or its hint; otherwise calls fail with SVID_AMBIGUOUS.
 */
export interface SvidFromWorkloadApi extends SvidChoice {
  /** `unix:///path` or `tcp://ip:port`; SPIFFE_ENDPOINT_SOCKET if left out. */
  readonly workloadApi?: string
}

/** Where the choice among several SVIDs is made, for sentences. */
export const CHOICE_SETTINGS = 'in the SDK spiffeId or hint of svid, on the command line --spiffe-id or --svid-hint'

/** How old what was fetched may be when a call starts; keys are announced much longer before they are used. */
const FRESH_MS = 30_000
/** After a failure with an SVID in hand that is still good. */
const RETRY_MS = 1_000
const TIMEOUT_MS = 5_000

/**
 * The agent's SVID, and the roots of the broker's trust domain, from the Workload API. It is asked when a call starts, at
 * most every 30 s, and holds no stream open, so that a program can end without closing the client. An agent that is away
 * changes nothing until the SVID is over; one that says there is no identity, or no longer
 * names the broker's trust domain or our SPIFFE ID, ends its use at once. The first SVID says who this client is, for good.
 */
export class WorkloadApiSvid implements SvidProvider {
  readonly #target: string
  readonly #trustDomain: string
  readonly #clock: Clock
  readonly #choice: SvidChoice
  #spiffeId: string | undefined
  #loaded: (LoadedSvid & { readonly notAfter: Date }) | undefined
  #freshUntilMs = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined

  /** @throws {StintError} CONFIG_INVALID for a malformed address. */
  constructor({
    address,
    choice,
    trustDomain,
    clock,
  }: {
    address: string
    choice: SvidChoice
    trustDomain: string
    clock: Clock
  }) {
    this.#target = workloadApiTarget(address)
    this.#choice = choice
    this.#trustDomain = trustDomain
    this.#clock = clock
  }

  /** @throws {StintError} WORKLOAD_API_UNAVAILABLE, SVID_AMBIGUOUS, SVID_NOT_OFFERED, SVID_WITHDRAWN, SVID_INVALID, SVID_EXPIRED, BUNDLE_INVALID when there is no usable SVID. */
  async ready(): Promise<void> {
    if (this.#usable() && this.#clock.monotonicMs() < this.#freshUntilMs) return
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    await this.#fetching
  }

  /** `ready` comes first. @throws {StintError} WORKLOAD_API_UNAVAILABLE */
  current(): LoadedSvid {
    if (this.#loaded) return this.#loaded
    throw new StintError('WORKLOAD_API_UNAVAILABLE', { explanation: 'The Workload API has not sent an SVID yet.' })
  }

  async look(version: string): Promise<boolean> {
    if (this.#loaded?.version === version) {
      this.#freshUntilMs = Number.NEGATIVE_INFINITY
      await this.ready().catch(() => undefined) // the refusal that led here is the one to hear
    }
    return this.#loaded !== undefined && this.#loaded.version !== version
  }

  async #fetch(): Promise<void> {
    try {
      const answer = await fetchX509Once(this.#target, AbortSignal.timeout(TIMEOUT_MS))
      if ('failure' in answer) throw this.#refused(answer.failure)
      this.#loaded = this.#load(readX509Context(answer.message, this.#clock.now()))
      this.#freshUntilMs = this.#clock.monotonicMs() + FRESH_MS
    } catch (error) {
      if (!this.#usable()) throw error
      this.#freshUntilMs = this.#clock.monotonicMs() + RETRY_MS
    }
  }

  #refused(failure: { code: status; error: StintError } | undefined): StintError {
    if (failure?.code === status.PERMISSION_DENIED) this.#loaded = undefined
    const explanation = 'The Workload API ended the stream without a message.'
    return failure?.error ?? new StintError('WORKLOAD_API_UNAVAILABLE', { explanation })
  }

  #load(context: X509Context): LoadedSvid & { readonly notAfter: Date } {
    const svid = this.#choose(context)
    const authorities = context.roots.get(this.#trustDomain)
    if (!authorities) {
      this.#loaded = undefined // An SVID that a message no longer names must not be kept (Workload API, section 4.4).
      const explanation = `The Workload API has no bundle for ${this.#trustDomain}, the broker's trust domain.`
      throw new StintError('BUNDLE_INVALID', { explanation })
    }
    this.#spiffeId = svid.spiffeId
    const version = [...svid.chain, ...authorities].map(({ fingerprint }) => fingerprint).join()
    if (version === this.#loaded?.version) return this.#loaded
    const { cert, key, notAfter } = tlsIdentity(svid)
    const ca = authorities.map(({ x509 }) => x509.toString())
    return { version, secureContext: tlsContext({ ca, cert, key: key.reveal() }), notAfter }
  }

  #choose(context: X509Context): OwnX509Svid {
    try {
      return chooseSvid(context, { choice: this.#choice, pinned: this.#spiffeId, settings: CHOICE_SETTINGS })
    } catch (error) {
      if (error instanceof StintError && error.code === 'SVID_WITHDRAWN') this.#loaded = undefined
      throw error
    }
  }

  #usable(): boolean {
    return this.#loaded !== undefined && this.#clock.now() <= this.#loaded.notAfter
  }
}
