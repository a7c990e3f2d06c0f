import { status } from '@grpc/grpc-js'
import type { Clock } from '../../core/clock.ts'
import { asStintError, type ErrorCode, StintError } from '../../core/errors.ts'
import { type BundleNote, type BundleReports, warning } from '../bundle/bundle-problems.ts'
import type { BundleSource, BundleStore } from '../bundle/bundle-store.ts'
import { type TrustBundle, trustBundle } from '../bundle/trust-bundle.ts'
import type { ServerIdentity, ServerIdentitySource } from '../server-identity.ts'
import type { SvidChoice } from './choose-svid.ts'
import type { JwtBundlesResponse, X509SvidResponse } from './definition.ts'
import { FollowedStream } from './followed-stream.ts'
import { type JwtBundles, readJwtBundles } from './jwt-bundles.ts'
import type { WorkloadApiError } from './open-stream.ts'
import { tlsIdentity } from './own-identity.ts'
import { chooseSvid, longestValid, type OwnX509Svid, readX509Context, type X509Context } from './x509-context.ts'

/** Reports carry the components `workload_api:x509` and `workload_api:jwt`, one for each stream. */
export interface WorkloadApiSourceOptions extends BundleReports {
  /** As `workloadApiTarget` gives it. */
  readonly target: string
  readonly store: BundleStore
  /** The trust domains whose bundles are taken from here; bundles of others are ignored. */
  readonly trustDomains: readonly string[]
  readonly clock: Clock
  readonly random: () => number
  /** Our own SVID; `any` where only the bundles are wanted. */
  readonly svid: SvidChoice | 'any'
  /** Those of `trustDomains` whose JWT-SVIDs are accepted, so that missing JWT keys are worth a word. */
  readonly jwtTrustDomains: readonly string[]
  /** How long `start` waits for the first SVID. */
  readonly startWithinMs: number
  /** False: `start` fails with the first failure, whatever might come later. Default true. */
  readonly patient?: boolean
}

/** The last messages of both streams; `toTrustBundle` decides which parts of them count. */
interface State {
  readonly x509: X509Context | undefined
  readonly jwt: JwtBundles | undefined
}

/** A look at the wall clock this often at least, since it may jump. */
const MAX_NAP_MS = 60_000
/** How far an agent may be behind the server that signs: SPIRE's ask theirs every 5 s, and an answer takes its time. */
const AGENT_BEHIND_MS = 15_000
/** Sooner than the SDK gives up by itself. */
const COME_AGAIN_MS = 3_000

/**
 * Takes our own SVID and the bundles from the Workload API. A message is taken whole, in one step, or not at all; what it
 * no longer names is no longer trusted. JWT keys count only beside an SVID. While the agent cannot be reached, the last
 * good state serves on until its SVID ends; then, or as soon as the agent says that there is no identity for us, SVID and
 * roots are withdrawn, and nothing counts until the next SVID. Nothing that a follower or the store throws gets out.
 *
 * @see SPIFFE Workload API, sections 4.3 to 4.5, 5.2 and 6.2
 */
export class WorkloadApiSource implements BundleSource {
  readonly #options: WorkloadApiSourceOptions
  readonly #x509Stream: FollowedStream<'FetchX509SVID'>
  readonly #jwtStream: FollowedStream<'FetchJWTBundles'>
  readonly #x509Settled = Promise.withResolvers<void>()
  readonly #jwtSettled = Promise.withResolvers<void>()
  readonly #followers = new Set<(identity: ServerIdentity | undefined) => void>()
  #x509: X509Context | undefined
  #jwt: JwtBundles | undefined
  /** When the JWT keys end: set while they cannot be followed, to the end of the SVID of then. */
  #jwtNotAfter: Date | undefined
  /** False once the agent has said that it knows no JWT bundles at all. */
  #jwtOffered = true
  #identity: ServerIdentity | undefined
  /** The SPIFFE ID that this process has had since its first SVID. */
  #spiffeId: string | undefined
  #lastX509Problem: StintError | undefined
  #expiry = new AbortController()
  #watching: Promise<void> = Promise.resolve()

  constructor(options: WorkloadApiSourceOptions) {
    this.#options = options
    const { target, clock, random, store } = options
    for (const trustDomain of options.trustDomains) {
      store.followLooks(trustDomain, (sinceMs) => this.#untilLookedMs(sinceMs))
    }
    this.#x509Stream = new FollowedStream({
      target,
      clock,
      random,
      method: 'FetchX509SVID',
      onMessage: (message) => this.#takeX509(message),
      onFailure: (failure) => this.#failX509(failure),
    })
    this.#jwtStream = new FollowedStream({
      target,
      clock,
      random,
      method: 'FetchJWTBundles',
      onMessage: (message) => this.#takeJwt(message),
      onFailure: (failure) => this.#failJwt(failure),
    })
    // Nobody has to wait for the first state.
    this.#x509Settled.promise.catch(() => undefined)
  }

  /** The SVID of now as TLS wants it; undefined while there is none that may be used. */
  get identity(): ServerIdentity | undefined {
    return this.#identity
  }

  /**
   * The bundle as others may have it: undefined while the JWT keys of the trust domain are not known, since whoever
   * fetched it without them would stop trusting them.
   */
  publishable(trustDomain: string): TrustBundle | undefined {
    const known = this.#jwt ? !this.#jwt.unreadable.has(trustDomain) : !this.#jwtOffered
    return known ? toTrustBundle(trustDomain, { x509: this.#x509, jwt: this.#jwt }) : undefined
  }

  /**
   * JWT bundles that do not come in time are a problem of their own; the start does not wait for them any longer.
   *
   * @throws {StintError} SVID_AMBIGUOUS at once; why no SVID came, when the time is over or the call is refused for good:
   *   WORKLOAD_API_UNAVAILABLE, SVID_NOT_OFFERED, SVID_INVALID, SVID_EXPIRED, BUNDLE_INVALID.
   */
  async start(): Promise<void> {
    this.#x509Stream.start()
    this.#jwtStream.start()
    const tooLate = new AbortController()
    const { clock, startWithinMs } = this.#options
    const late = clock.sleep(startWithinMs, tooLate.signal).catch(() => undefined)
    try {
      await Promise.race([this.#x509Settled.promise, late])
      if (!this.#x509) throw noSvidInTime(startWithinMs, this.#lastX509Problem)
      await Promise.race([this.#jwtSettled.promise, late])
      if (!this.#jwt && this.#jwtOffered && !this.#jwtNotAfter) this.#tell('jwt', noJwtBundles())
    } catch (error) {
      await this.stop()
      throw error
    } finally {
      tooLate.abort()
    }
  }

  async stop(): Promise<void> {
    this.#expiry.abort()
    await Promise.all([this.#x509Stream.stop(), this.#jwtStream.stop(), this.#watching])
  }

  /** The own SVID for a listener. `start` of this source comes first. */
  serverIdentity(): ServerIdentitySource {
    let follower: ((identity: ServerIdentity | undefined) => void) | undefined
    return {
      start: async (onChange) => {
        if (!this.#identity) throw noIdentity()
        follower = onChange
        this.#followers.add(onChange)
        return this.#identity
      },
      stop: async () => {
        if (follower) this.#followers.delete(follower)
      },
    }
  }

  /** A key comes unasked, and its token may be first; nothing can be said while the stream is broken. */
  #untilLookedMs(sinceMs: number): number {
    if (!this.#jwtOffered) return 0
    if (!this.#jwt || this.#jwtNotAfter) return COME_AGAIN_MS
    const leftMs = sinceMs + AGENT_BEHIND_MS - this.#options.clock.monotonicMs()
    return Math.min(COME_AGAIN_MS, Math.max(0, leftMs))
  }

  #takeX509(message: X509SvidResponse): void {
    try {
      const now = this.#options.clock.now()
      const x509 = readX509Context(message, now)
      const svid = this.#choose(x509)
      const identity = { ...tlsIdentity(svid), spiffeId: svid.spiffeId }
      const jwt = this.#jwtNotAfter && now > this.#jwtNotAfter ? undefined : this.#jwt
      const problem = this.#take({ x509, jwt }, identity)
      this.#spiffeId ??= svid.spiffeId
      this.#watchExpiry(identity.notAfter)
      this.#tell('x509', problem)
      this.#tellNotes()
      this.#x509Settled.resolve()
    } catch (error) {
      this.#refuseX509(asStintError(error))
    }
  }

  /** An SVID or bundle that a message no longer names must not be kept (Workload API, section 4.4), our own SVID included. */
  #refuseX509(error: StintError): void {
    const isChoice = CHOICE_ERRORS.has(error.code)
    this.#tell('x509', isChoice ? error : discarded(error))
    if (error.code === 'SVID_WITHDRAWN') this.#withdraw()
    if (error.code === 'SVID_AMBIGUOUS' || this.#options.patient === false) this.#x509Settled.reject(error)
  }

  #choose(x509: X509Context): OwnX509Svid {
    const { svid: choice } = this.#options
    const any = choice === 'any' ? longestValid(x509.svids) : undefined
    if (any) return any
    return chooseSvid(x509, { choice: choice === 'any' ? {} : choice, pinned: this.#spiffeId, settings: SETTINGS })
  }

  #failX509({ code, error, final }: WorkloadApiError & { readonly final: boolean }): void {
    this.#tell('x509', error)
    if (code === status.PERMISSION_DENIED) this.#withdraw()
    if (final || this.#options.patient === false) this.#x509Settled.reject(error)
  }

  #takeJwt(message: JwtBundlesResponse): void {
    try {
      const jwt = readJwtBundles(message, this.#jwt)
      this.#take({ x509: this.#x509, jwt }, this.#identity)
      this.#jwtNotAfter = undefined
      this.#jwtOffered = true
      this.#tell('jwt', undefined)
      this.#tellNotes()
    } catch (error) {
      this.#tell('jwt', discarded(error))
    }
    this.#jwtSettled.resolve()
  }

  #failJwt({ code, error }: WorkloadApiError): void {
    this.#tell('jwt', error)
    this.#jwtSettled.resolve()
    this.#jwtOffered = code !== status.UNIMPLEMENTED
    this.#jwtNotAfter ??= this.#identity?.notAfter ?? this.#options.clock.now()
    if (code === status.PERMISSION_DENIED) this.#dropJwt()
  }

  /**
   * All of a state or nothing: the store may refuse its roots, and then the state of before stays. Bundles first and
   * identity after, in one turn of the event loop: no connection can come in between.
   *
   * @returns what a follower of the identity has thrown.
   * @throws {StintError} what the store throws; nothing has changed then.
   */
  #take(next: State, identity: ServerIdentity | undefined): StintError | undefined {
    const { store, trustDomains } = this.#options
    if (next.x509) store.apply(new Map(trustDomains.map((name) => [name, toTrustBundle(name, next)])))
    else store.suspend(trustDomains)
    this.#x509 = next.x509
    this.#jwt = next.jwt
    return this.#show(identity)
  }

  #show(identity: ServerIdentity | undefined): StintError | undefined {
    if (identity === this.#identity) return undefined
    this.#identity = identity
    let problem: StintError | undefined
    for (const follower of this.#followers) {
      try {
        follower(identity)
      } catch (error) {
        problem = asStintError(error)
      }
    }
    return problem
  }

  /**
   * Nothing is trusted and nothing shown until the next SVID. The JWT keys are kept, though they do not count: an agent
   * sends them again only when they change, which may be never while its stream stays open.
   */
  #withdraw(): void {
    this.#expiry.abort()
    this.#x509 = undefined
    try {
      const problem = this.#take({ x509: undefined, jwt: this.#jwt }, undefined)
      if (problem) this.#tell('x509', problem)
    } catch (error) {
      this.#show(undefined)
      this.#tell('x509', asStintError(error))
    }
  }

  #dropJwt(): void {
    this.#jwt = undefined
    try {
      this.#take({ x509: this.#x509, jwt: undefined }, this.#identity)
    } catch (error) {
      this.#tell('jwt', asStintError(error))
    }
  }

  #watchExpiry(notAfter: Date): void {
    this.#expiry.abort()
    this.#expiry = new AbortController()
    const { signal } = this.#expiry
    this.#watching = Promise.all([this.#watching, this.#untilOver(notAfter, signal)]).then(() => undefined)
  }

  async #untilOver(notAfter: Date, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    for (let left = leftMs(notAfter, clock); left >= 0; left = leftMs(notAfter, clock)) {
      await clock.sleep(Math.min(left + 1, MAX_NAP_MS), signal).catch(() => undefined)
      if (signal.aborted) return
      if (this.#jwt && this.#jwtNotAfter && clock.now() > this.#jwtNotAfter) this.#dropJwt()
    }
    this.#tell('x509', new StintError('SVID_EXPIRED', { check: 'not-after', explanation: EXPIRED }))
    this.#withdraw()
  }

  #tell(stream: 'x509' | 'jwt', problem: StintError | undefined): void {
    if (stream === 'x509') this.#lastX509Problem = problem
    this.#options.onState(`workload_api:${stream}`, problem)
  }

  #tellNotes(): void {
    const { trustDomains, jwtTrustDomains, onNotes } = this.#options
    const [x509, jwt] = [this.#x509, this.#jwt]
    if (x509) {
      const missing = trustDomains.filter((name) => !x509.roots.has(name)).map(noBundle)
      onNotes('workload_api:x509', [...x509.notes, ...this.#choiceNotes(x509), ...missing])
    }
    if (!jwt) return
    const missing = jwtTrustDomains.filter((name) => !jwt.authorities.get(name)?.size).map(noJwtKeys)
    onNotes('workload_api:jwt', [...jwt.notes, ...missing])
  }

  /** Without a choice the next start would be refused, so a second entry is told before. */
  #choiceNotes({ svids, unusable }: X509Context): readonly BundleNote[] {
    const { svid: choice } = this.#options
    const ids = new Set([...svids, ...unusable].map(({ spiffeId }) => spiffeId))
    if (choice === 'any' || choice.spiffeId !== undefined || choice.hint !== undefined || ids.size < 2) return []
    const text = `The Workload API offers this process SVIDs of ${ids.size} SPIFFE IDs; ${this.#spiffeId} stays in use, but the next start will fail. Choose one (${SETTINGS}).`
    return [warning('svid-choice', text)]
  }
}

/** They say enough by themselves. */
const CHOICE_ERRORS: ReadonlySet<ErrorCode> = new Set(['SVID_AMBIGUOUS', 'SVID_NOT_OFFERED', 'SVID_WITHDRAWN'])

const SETTINGS = 'identity.workloadApi.spiffeId or identity.workloadApi.hint'

function noBundle(trustDomain: string): BundleNote {
  const text = `The Workload API has given no bundle of ${trustDomain}, which identity.domains expects: its agents are refused. Check that the domain is federated and that this process's registration entry federates with it.`
  return warning(`bundle-missing:${trustDomain}`, text)
}

function noJwtKeys(trustDomain: string): BundleNote {
  const text = `The Workload API has given no JWT key of ${trustDomain}: its JWT-SVIDs are refused.`
  return warning(`jwt-keys-missing:${trustDomain}`, text)
}

function toTrustBundle(trustDomain: string, { x509, jwt }: State): TrustBundle | undefined {
  const x509Authorities = x509?.roots.get(trustDomain)
  // Nothing else ends JWT keys: without an SVID they do not count, whatever their own stream says.
  const jwtAuthorities = x509 && jwt?.authorities.get(trustDomain)
  if (!x509Authorities && !jwtAuthorities) return undefined
  return trustBundle(trustDomain, {
    x509Authorities: x509Authorities ?? [],
    jwtAuthorities: jwtAuthorities ?? new Map(),
  })
}

const EXPIRED = "This process's SVID has expired and the Workload API has provided no other: nobody can connect."

function leftMs(notAfter: Date, clock: Clock): number {
  return notAfter.getTime() - clock.now().getTime()
}

function discarded(thrown: unknown): StintError {
  const { code, details, message } = asStintError(thrown)
  const explanation = `A message of the Workload API was discarded: ${message}`
  return new StintError(code, { ...details, explanation }, thrown)
}

function noSvidInTime(ms: number, last: StintError | undefined): StintError {
  const reason =
    last?.details.explanation ??
    last?.message ??
    'It has not answered; is the agent running and connected to its server?'
  const explanation = `The Workload API sent no SVID within ${ms} ms. ${reason}`
  return new StintError(last?.code ?? 'WORKLOAD_API_UNAVAILABLE', { ...last?.details, explanation }, last)
}

function noJwtBundles(): StintError {
  const explanation = 'The Workload API has sent no JWT bundles yet: JWT-SVIDs of its trust domains are refused.'
  return new StintError('WORKLOAD_API_UNAVAILABLE', { explanation })
}

function noIdentity(): StintError {
  return new StintError('WORKLOAD_API_UNAVAILABLE', { explanation: 'This process has no SVID now.' })
}
