import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, systemClock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import { CallLog } from './call-log.ts'
import type { CloudControls, PolicyInput, PracticeKeys, PrincipalSpec } from './cloud-controls.ts'
import { controlRoutes } from './control-routes.ts'
import { Faults } from './faults.ts'
import { evaluate, type Verdict } from './policies/evaluate.ts'
import { parsePolicy } from './policies/policy-document.ts'
import { ObjectStore } from './services/s3.ts'
import { createContext, PracticeState, type Principal, randomId, randomSecret, splitArn } from './services/state.ts'
import { AwsFault } from './wire/aws-fault.ts'
import { createPracticeServer } from './wire/http-server.ts'

/** Options of `startPracticeCloud`; all have a default. */
export interface PracticeCloudOptions {
  /** Expiry, time conditions, propagation and latency go by it. Default: the system's. */
  readonly clock?: Clock
  /**
   * Dates of signatures are checked against it. Default: `clock`. A test that moves time by hand and leaves its SDK
   * clients on the system's time passes `systemClock` here.
   */
  readonly signatureClock?: Clock
  /** TCP port on 127.0.0.1; default 0, any free one. */
  readonly port?: number
  /** Owner of what names no account. Default `111122223333`. */
  readonly accountId?: string
  /** For clients; every region is answered. Default `eu-central-1`. */
  readonly region?: string
  /** How long after its acceptance an IAM write is enforced. Default 5. */
  readonly propagationDelayMs?: number
  /** Sessions remembered; the oldest is forgotten beyond that, and its keys stop working. Default 100000. */
  readonly maxSessions?: number
  /** `none` saves the work of checking STS and IAM signatures in a benchmark. Default `full`. */
  readonly verifySignatures?: 'full' | 'none'
  /** If set, the control surface also answers over HTTP under `/_practice/` to whoever sends this token. */
  readonly controlToken?: string
}

/**
 * A stage for the demo, `stint dev`, tests and the bench: enough of STS, IAM and S3 for the real SDK clients. It shows
 * how Stint behaves, and proves nothing about AWS. What is set up through these methods is enforced at once, whatever
 * the propagation delay.
 */
export interface PracticeCloud extends CloudControls {
  /** `http://127.0.0.1:PORT`, for STS, IAM and S3 (path-style) alike. */
  readonly endpoint: string
  readonly region: string
  readonly accountId: string
  /** Ends every connection and stops listening. May be called twice. */
  close(): Promise<void>
}

/** Starts a practice cloud on 127.0.0.1. @throws {StintError} REQUEST_INVALID if the port cannot be used. */
export async function startPracticeCloud(options: PracticeCloudOptions = {}): Promise<PracticeCloud> {
  const clock = options.clock ?? systemClock
  const region = options.region ?? 'eu-central-1'
  const state = new PracticeState({
    clock,
    accountId: options.accountId ?? '111122223333',
    propagationDelayMs: options.propagationDelayMs ?? 5,
    maxSessions: options.maxSessions ?? 100_000,
  })
  const parts = {
    state,
    store: new ObjectStore(),
    faults: new Faults(),
    log: new CallLog(),
    signatureClock: options.signatureClock ?? clock,
    verifySignatures: options.verifySignatures ?? 'full',
  } as const
  const stop = new AbortController()
  const surface = controlSurface(parts)
  const control = options.controlToken === undefined ? undefined : controlRoutes(surface, options.controlToken)
  const server = createPracticeServer({ parts, control, signal: stop.signal })
  const port = await listen(server, options.port ?? 0)
  const close = () => {
    stop.abort(new Error('the practice cloud is closing'))
    return closeServer(server)
  }
  return { endpoint: `http://127.0.0.1:${port}`, region, accountId: state.accountId, ...surface, close }
}

function controlSurface({
  state,
  store,
  faults,
  log,
}: {
  state: PracticeState
  store: ObjectStore
  faults: Faults
  log: CallLog
}): CloudControls {
  return {
    addPrincipal: (spec) => explained(() => addPrincipal(state, spec)),
    createRole: (spec) =>
      explained(() => {
        const inline = Object.fromEntries(
          Object.entries(spec.policies ?? {}).map(([name, policy]) => [name, toPolicyText(policy)]),
        )
        const { arn, roleId } = state.createRole(
          {
            arn: spec.arn,
            trust: toPolicyText(spec.trustPolicy),
            inline,
            ...(spec.attachedPolicies === undefined ? {} : { attached: spec.attachedPolicies }),
            ...(spec.permissionsBoundary === undefined ? {} : { boundaryArn: spec.permissionsBoundary }),
            ...(spec.maxSessionSeconds === undefined ? {} : { maxSessionSeconds: spec.maxSessionSeconds }),
          },
          0,
        )
        return { arn, roleId }
      }),
    createPolicy: ({ arn, document }) =>
      explained(() => ({ arn: state.createPolicy({ arn, document: toPolicyText(document) }, 0).arn })),
    createBucket: (name, tags) => explained(() => store.createBucket(name, state.accountId, state.clock.now(), tags)),
    putObject: (bucket, key, content) =>
      explained(
        () =>
          void store.put(bucket, key, {
            content: Buffer.from(content),
            contentType: 'binary/octet-stream',
            modifiedAt: state.clock.now(),
          }),
      ),
    object: (bucket, key) => store.buckets.get(bucket)?.objects.get(key)?.content,
    liveSessions: (at = state.clock.now()) =>
      [...state.sessions.values()].map(({ view }) => view).filter((view) => view.expiresAt > at),
    sessions: () => [...state.sessions.values()].map(({ view }) => view),
    allows: (who, action, resource, at = state.clock.now(), keys = {}) =>
      allows(state, typeof who === 'string' ? who : who.accessKeyId, { action, resource, at, keys }),
    calls: () => log.all(),
    callCounts: () => log.counts(),
    clearCalls: () => log.clear(),
    setFault: (fault) => faults.set(fault),
    clearFaults: () => faults.clear(),
    setPropagationDelayMs: (ms) => {
      if (!Number.isInteger(ms) || ms < 0 || ms > 86_400_000)
        throw new StintError('REQUEST_INVALID', { explanation: 'The propagation delay must be 0 to 86400000 ms.' })
      state.propagationDelayMs = ms
    },
  }
}

function addPrincipal(state: PracticeState, spec: PrincipalSpec): PracticeKeys {
  const isRole = spec.arn.includes(':role/')
  const { accountId, name } = splitArn(spec.arn, isRole ? 'role' : 'user')
  const keys = { arn: spec.arn, accessKeyId: randomId('AKIA'), secretAccessKey: randomSecret() }
  const principal: Principal = {
    arn: isRole ? `arn:aws:sts::${accountId}:assumed-role/${name}/practice` : spec.arn,
    principalArn: spec.arn,
    userId: isRole ? `${randomId('AROA')}:practice` : randomId('AIDA'),
    accountId,
    isRole,
    identity: (spec.policies ?? []).map((policy) => parsePolicy(toPolicyText(policy), 'permissions')),
    secretAccessKey: keys.secretAccessKey,
  }
  if (state.principals.size >= 1_000) throw new AwsFault('LimitExceeded', 409, 'At most 1000 principals can be added.')
  state.principals.set(keys.accessKeyId, principal)
  return keys
}

function allows(
  state: PracticeState,
  accessKeyId: string,
  asked: {
    readonly action: string
    readonly resource: string
    readonly at: Date
    readonly keys: Readonly<Record<string, string | readonly string[]>>
  },
): Verdict {
  const refused = (because: string): Verdict => ({ allowed: false, layer: 'credentials', explicit: false, because })
  const principal = state.principals.get(accessKeyId)
  const session = state.sessions.get(accessKeyId)
  const ms = asked.at.getTime()
  if (session !== undefined && ms >= session.view.expiresAt.getTime()) return refused('because the session has expired')
  const caller =
    principal !== undefined
      ? ({ kind: 'principal', accessKeyId, principal } as const)
      : session !== undefined
        ? ({ kind: 'session', accessKeyId, session } as const)
        : undefined
  if (caller === undefined) return refused('because the access key is not known')
  return evaluate(state.policyLayers(caller, ms), {
    action: asked.action,
    resource: asked.resource,
    context: createContext(
      caller,
      ms,
      Object.entries(asked.keys).map(([key, value]) => [key.toLowerCase(), value]),
    ),
  })
}

/** In-process callers get a StintError; the wire gets AWS's XML. */
function explained<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof AwsFault)
      throw new StintError('REQUEST_INVALID', { explanation: error.message, awsCode: error.code })
    throw error
  }
}

function toPolicyText(policy: PolicyInput): string {
  return typeof policy === 'string' ? policy : JSON.stringify(policy)
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new StintError(
          'REQUEST_INVALID',
          { explanation: `The practice cloud cannot listen on 127.0.0.1:${port}.` },
          error,
        ),
      ),
    )
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve()
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
