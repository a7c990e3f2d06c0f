import type { Server } from '@grpc/grpc-js'
import type { HealthImplementation } from 'grpc-health-check'
import { brokerService } from '../contract/broker.ts'
import type { Clock } from '../core/clock.ts'
import { asStintError, ERROR_CATALOG, type StintError } from '../core/errors.ts'
import { Penalties } from '../core/limits/penalties.ts'
import type { Logger } from '../core/log.ts'
import type { CallLimits } from '../core/net/connection-table.ts'
import { Admission, type AdmissionLimits } from '../grants/agents/agent-limits.ts'
import type { GrantService } from '../grants/services.ts'
import { Authenticator, refusedTokenId } from '../identity/authenticator.ts'
import { AwaitedKeys } from '../identity/bundle/awaited-keys.ts'
import type { BundleStore } from '../identity/bundle/bundle-store.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { createJwtSvidVerifier, type JwtSvidRules, type JwtSvidVerifier } from '../identity/jwt/jwt-svid.ts'
import type { OidcVerifier } from '../identity/oidc/oidc-verifier.ts'
import type { RefusalLog } from '../ledger/refusal-log.ts'
import { createBrokerHandlers } from './broker-service.ts'
import type { CallConnections } from './connections/call-connections.ts'
import { findConnection } from './connections/find-connection.ts'
import { createGrpcServer } from './connections/http2-guard.ts'
import type { Listener } from './connections/listener.ts'
import type { AnyCall, CallKind } from './handlers.ts'
import { addReflection } from './reflection.ts'
import { requestGuard } from './request-guard.ts'
import { GRPC_SERVER_OPTIONS } from './server-options.ts'
import { TokenFailures } from './token-failures.ts'

/** The parts that answer a call, whichever port it comes by. */
export interface BrokerServerOptions {
  readonly bundles: BundleStore
  /** The rules of now; JWT-SVIDs are refused without any. */
  readonly tokens?: (() => JwtSvidRules | undefined) | undefined
  /** Tokens of OIDC issuers are refused unless given; started and stopped by whoever made it. */
  readonly oidc?: OidcVerifier | undefined
  /** Limits for calls that may mint, as the grant service applies them; this edge applies looser ones to every call. */
  readonly mintLimits: AdmissionLimits
  readonly maxCallMs: number
  readonly reflection: boolean
  readonly grants: GrantService
  readonly health: HealthImplementation
  readonly refusals: RefusalLog
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
}

/** Reading is cheaper than minting by about this much. */
const CALLS_PER_MINT = 10
/** Streams of one agent, over all its connections. */
const WATCHED_GRANTS = 128

/** A connection that goes on to begin calls after one agent's are refused is a flood. */
export function callLimits({ mintLimits }: Pick<BrokerServerOptions, 'mintLimits'>): CallLimits {
  return {
    callsPerSecond: 2 * CALLS_PER_MINT * mintLimits.callsPerSecond,
    burst: 1.25 * CALLS_PER_MINT * mintLimits.burst,
  }
}

type Gates = Readonly<Record<CallKind, Admission>>

/** State that both ports share: an agent has one allowance, whichever it comes by. */
export interface SharedChecks {
  readonly verifier: () => JwtSvidVerifier | undefined
  readonly gates: Gates
  readonly awaitedKeys: AwaitedKeys
  readonly failures: TokenFailures
  readonly penalties: Penalties
}

/** @throws {StintError} CONFIG_INVALID */
export function sharedChecks(options: BrokerServerOptions): SharedChecks {
  const { tokens, clock, bundles } = options
  const verifier = followRules(tokens)
  verifier()
  return {
    verifier,
    gates: createGates(options),
    awaitedKeys: new AwaitedKeys({ bundles, clock }),
    failures: new TokenFailures({ clock }),
    penalties: new Penalties({ clock }),
  }
}

/** Makes a new verifier when the rules are others. */
function followRules(rules: BrokerServerOptions['tokens']): SharedChecks['verifier'] {
  let made: { readonly rules: JwtSvidRules; readonly verifier: JwtSvidVerifier } | undefined
  return () => {
    const now = rules?.()
    if (!now) return undefined
    if (made?.rules !== now) made = { rules: now, verifier: createJwtSvidVerifier(now) }
    return made.verifier
  }
}

/**
 * The gRPC server behind one listener; `own` gives that listener, which is made after it.
 *
 * @param bearers its connections, where a token may come alone.
 * @param stopping aborts when the port stops.
 */
export function brokerServer(
  options: BrokerServerOptions,
  { verifier, gates, failures, awaitedKeys }: SharedChecks,
  { own, bearers, stopping }: { own: () => Listener; bearers?: CallConnections; stopping: AbortSignal },
): Server {
  const { bundles, clock, random, logger, maxCallMs, grants, refusals } = options
  const authenticator = new Authenticator({
    bundles,
    awaitedKeys,
    bearerAlone: bearers !== undefined,
    tokens: verifier,
    ...(options.oidc && { oidc: options.oidc }),
  })
  const authenticate = async (call: AnyCall): Promise<CallerIdentity> => {
    const peer = call.getPeer()
    const { connections } = own()
    const authorization = call.metadata.get('authorization')
    try {
      if (authorization.length > 0 && !connections.isTrusted(peer)) failures.check(peer)
      const proofs = { connection: findConnection(call), via: bearers?.of(peer), authorization }
      const caller = await authenticator.authenticate(proofs, clock.now())
      connections.prove(peer, caller.subject)
      return caller
    } catch (thrown) {
      const error = asStintError(thrown)
      // A retryable error does not count against the peer: an issuer that is down must not lock its agents out.
      if (authorization.length > 0 && !ERROR_CATALOG[error.code].retryable) {
        connections.badToken(peer)
        failures.failed(peer)
      }
      // An outage of ours is on the status; it is no refusal, and nothing that the agent has to answer for.
      if (ERROR_CATALOG[error.code].http >= 500 && !namesUnknownKey(error)) throw error
      const tokenId = refusedTokenId(authorization)
      await refusals.note({ ...refusal(error, call.getPath(), peer), ...(tokenId && { tokenId }) })
      throw error
    }
  }
  const onError = (error: StintError, method: string, peer: string) => {
    if (error.details.check === 'agent-rate') void refusals.note(refusal(error, method, peer))
    // The problems of an issuer are logged elsewhere, once; a stranger with invented keys must not fill the log.
    if (error.code === 'SHUTTING_DOWN') logger.debug({ method }, 'a stream was ended by the stop')
    else if (error.code === 'ISSUER_UNAVAILABLE' || namesUnknownKey(error))
      logger.debug({ method, code: error.code }, 'a token could not be verified')
    else if (ERROR_CATALOG[error.code].http >= 500) logger.error({ method, err: error }, 'a call failed')
    else logger.debug({ method, code: error.code }, 'a call was refused')
  }
  const guard = requestGuard({
    requestMs: maxCallMs,
    onRefused: (error, method, peer) => void refusals.note(refusal(error, method, peer)),
  })
  const admit = <T>({ subject }: CallerIdentity, kind: CallKind, work: () => Promise<T>) =>
    gates[kind].admit(subject, work)
  const server = createGrpcServer({ ...GRPC_SERVER_OPTIONS, interceptors: [guard] })
  server.addService(
    brokerService,
    createBrokerHandlers({ grants, authenticate, admit, maxCallMs, stopping, random, onError }),
  )
  options.health.addToServer(server)
  if (options.reflection) addReflection(server)
  return server
}

function createGates({ mintLimits, clock }: BrokerServerOptions): Gates {
  const limits = {
    callsPerSecond: mintLimits.callsPerSecond * CALLS_PER_MINT,
    burst: mintLimits.burst * CALLS_PER_MINT,
    concurrent: mintLimits.concurrent * CALLS_PER_MINT,
  }
  const gate = (own: Partial<AdmissionLimits> = {}) => new Admission({ limits: { ...limits, ...own }, clock })
  return { call: gate(), release: gate(), stream: gate({ concurrent: WATCHED_GRANTS, of: 'streams' }) }
}

/** An event for the record. */
export function refusal({ code, details }: StintError, operation: string, remoteAddress: string) {
  const reason = typeof details.check === 'string' ? details.check : 'refused'
  const { shownTrustDomain, shownFingerprint } = details
  return {
    ...{ actor: 'stint', code, reason, operation, remoteAddress },
    ...(typeof shownTrustDomain === 'string' && { shownTrustDomain }),
    ...(typeof shownFingerprint === 'string' && { shownFingerprint }),
  }
}

/** A token whose key nobody has published so far: a refusal, though the same token may be good soon. */
function namesUnknownKey({ code, details }: StintError): boolean {
  return (code === 'ISSUER_UNAVAILABLE' || code === 'TRUST_DOMAIN_UNAVAILABLE') && details.check === 'kid'
}
