import { status } from '@grpc/grpc-js'
import type { Clock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import { workloadApiTarget } from '../identity/workload-api/endpoint.ts'
import { fetchX509Once } from '../identity/workload-api/fetch-once.ts'
import { tlsIdentity } from '../identity/workload-api/own-identity.ts'
import { readX509Context, type X509Context } from '../identity/workload-api/x509-context.ts'
import type { LoadedSvid, SvidProvider } from './svid-source.ts'
import { tlsContext } from './svid-source.ts'

/** Where an agent's identity comes from in a SPIFFE cluster: no files, no configuration. */
export interface SvidFromWorkloadApi {
  /** `unix:///path` or `tcp://ip:port`, e.g. the value of SPIFFE_ENDPOINT_SOCKET. */
  readonly workloadApi: string
}

/** How old what was fetched may be when a call starts; keys are announced much longer before they are used. */
const FRESH_MS = 30_000
/** After a failure with an SVID in hand that is still good. */
const RETRY_MS = 1_000
const TIMEOUT_MS = 5_000

/**
 * The agent's SVID, and the roots of the broker's trust domain, from the Workload API. It is asked when a call starts, at
 * most every 30 s, and holds no stream open, so that a program can end without closing the client. An agent that is away
 * changes nothing until the SVID is over; one that says there is no identity, or no longer
 * names the broker's trust domain, ends its use at once.
 */
export class WorkloadApiSvid implements SvidProvider {
  readonly #target: string
  readonly #trustDomain: string
  readonly #clock: Clock
  #loaded: (LoadedSvid & { readonly notAfter: Date }) | undefined
  #freshUntilMs = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined

  /** @throws {StintError} CONFIG_INVALID for a malformed address. */
  constructor({ address, trustDomain, clock }: { address: string; trustDomain: string; clock: Clock }) {
    this.#target = workloadApiTarget(address)
    this.#trustDomain = trustDomain
    this.#clock = clock
  }

  /** @throws {StintError} WORKLOAD_API_UNAVAILABLE, SVID_INVALID, SVID_EXPIRED, BUNDLE_INVALID when there is no usable SVID. */
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
    throw new StintError('WORKLOAD_API_UNAVAILABLE', { explanation: 'The Workload API has given no SVID yet.' })
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

  #load({ svids: [svid], roots }: X509Context): LoadedSvid & { readonly notAfter: Date } {
    const authorities = roots.get(this.#trustDomain)
    if (!authorities) {
      this.#loaded = undefined // What a message no longer names must not be kept (Workload API, section 4.4).
      const explanation = `The Workload API gives no bundle of ${this.#trustDomain}, the broker's trust domain.`
      throw new StintError('BUNDLE_INVALID', { explanation })
    }
    const version = [...svid.chain, ...authorities].map(({ fingerprint }) => fingerprint).join()
    if (version === this.#loaded?.version) return this.#loaded
    const { cert, key, notAfter } = tlsIdentity(svid)
    const ca = authorities.map(({ x509 }) => x509.toString())
    return { version, secureContext: tlsContext({ ca, cert, key: key.reveal() }), notAfter }
  }

  #usable(): boolean {
    return this.#loaded !== undefined && this.#clock.now() <= this.#loaded.notAfter
  }
}
