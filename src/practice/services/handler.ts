import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { CallLog } from '../call-log.ts'
import type { Faults } from '../faults.ts'
import { AwsFault } from '../wire/aws-fault.ts'
import { FormParams, queryAnswer, queryError } from '../wire/query-protocol.ts'
import { readClaim, verifySignature } from '../wire/sigv4.ts'
import type { SignatureClaim, WireRequest } from '../wire/wire-request.ts'
import { IAM_NAMESPACE, IAM_OPERATIONS } from './iam.ts'
import { answerS3, type ObjectStore, routeS3, s3Error } from './s3.ts'
import { type Caller, identifyCaller, type PracticeState, tokenMatches } from './state.ts'
import { STS_NAMESPACE, STS_OPERATIONS } from './sts.ts'

/** An HTTP answer, or what became of the connection instead of one. */
export type Outcome =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string | Buffer }
  | 'hang'
  | 'reset'

/** Dependencies of the handler; one of each for a practice cloud. */
export interface HandlerParts {
  readonly state: PracticeState
  readonly store: ObjectStore
  readonly faults: Faults
  readonly log: CallLog
  /** Time against which signatures are dated; all else goes by the clock of `state`. */
  readonly signatureClock: Clock
  /** `none` skips the signature, never the access key, the token or the expiry. */
  readonly verifySignatures: 'full' | 'none'
}

interface Operation {
  readonly action: string
  readonly resource?: string
  perform(nowMs: number): Exclude<Outcome, string>
}

/** Answers one request: authenticate, find the operation, play the faults, act, record. Never rejects for a bad request. */
export async function handle(parts: HandlerParts, request: WireRequest, signal: AbortSignal): Promise<Outcome> {
  const seen: { service: string; action: string; accessKeyId?: string; callerArn?: string; resource?: string } = {
    service: serviceGuess(request),
    action: '',
  }
  const record = (outcome: string) => parts.log.add({ at: parts.state.clock.now(), ...seen, outcome })
  const requestId = randomUUID()
  try {
    const claim = readClaim(request)
    seen.service = claim.service
    seen.accessKeyId = claim.accessKeyId
    const { caller, body } = authenticate(parts, request, claim)
    seen.callerArn = identifyCaller(caller).arn
    const operation = chooseOperation(parts, { ...request, body }, claim, caller, requestId)
    seen.action = operation.action
    if (operation.resource !== undefined) seen.resource = operation.resource
    const { latencyMs, kind } = parts.faults.take(seen)
    if (latencyMs > 0) await parts.state.clock.sleep(latencyMs, signal)
    if (kind === 'hang' || kind === 'reset') {
      record(`fault:${kind}`)
      return kind
    }
    if (kind !== undefined && kind in FAULT_ANSWERS) throw FAULT_ANSWERS[kind]?.(seen.service) ?? internalFailure()
    const answer = operation.perform(parts.state.clock.now().getTime())
    record(kind === undefined ? 'ok' : `fault:${kind}`)
    return kind === undefined ? answer : kind === 'hang_after_effect' ? 'hang' : 'reset'
  } catch (error) {
    if (signal.aborted) return 'reset'
    const fault = error instanceof AwsFault ? error : internalFailure()
    record(fault.code)
    return errorAnswer(seen.service, fault, request, requestId)
  }
}

/** Finds the signer, and frees the body of its framing. Codes differ per service. */
function authenticate(
  parts: HandlerParts,
  request: WireRequest,
  claim: SignatureClaim,
): { caller: Caller; body: Buffer } {
  const s3 = claim.service === 's3'
  const principal = parts.state.principals.get(claim.accessKeyId)
  const session = principal === undefined ? parts.state.sessions.get(claim.accessKeyId) : undefined
  const secret = principal?.secretAccessKey ?? session?.secretAccessKey
  if (secret === undefined)
    throw s3
      ? new AwsFault('InvalidAccessKeyId', 403, 'The AWS Access Key Id you provided does not exist in our records.')
      : new AwsFault('InvalidClientTokenId', 403, 'The security token included in the request is invalid.')
  if (
    session === undefined
      ? claim.sessionToken !== undefined
      : claim.sessionToken === undefined || !tokenMatches(session, claim.sessionToken)
  )
    throw s3
      ? new AwsFault('InvalidToken', 400, 'The provided token is malformed or otherwise invalid.')
      : new AwsFault('InvalidClientTokenId', 403, 'The security token included in the request is invalid.')
  const full = parts.verifySignatures === 'full' || s3
  const body = full ? verifySignature(request, claim, secret, parts.signatureClock.now().getTime()) : request.body
  if (session !== undefined && parts.state.clock.now() >= session.view.expiresAt)
    throw s3
      ? new AwsFault('ExpiredToken', 400, 'The provided token has expired.')
      : new AwsFault('ExpiredToken', 403, 'The security token included in the request is expired')
  const from = { accessKeyId: claim.accessKeyId, ...(request.sourceIp !== undefined && { sourceIp: request.sourceIp }) }
  if (principal !== undefined) return { caller: { kind: 'principal', ...from, principal }, body }
  if (session !== undefined) return { caller: { kind: 'session', ...from, session }, body }
  throw internalFailure()
}

function chooseOperation(
  parts: HandlerParts,
  request: WireRequest,
  claim: SignatureClaim,
  caller: Caller,
  requestId: string,
): Operation {
  const { state, store } = parts
  const { region } = claim
  if (claim.service === 's3') {
    const route = routeS3(request)
    const resource = route.key === '' ? route.bucket : `${route.bucket}/${route.key}`
    return {
      action: route.operation,
      resource,
      perform: (nowMs) => answerS3({ state, store, caller, region, nowMs, request }, route),
    }
  }
  const protocol = QUERY_SERVICES[claim.service]
  if (protocol === undefined) throw internalFailure()
  if (request.method !== 'POST' || request.path !== '/')
    throw new AwsFault('InvalidAction', 400, 'The practice cloud takes this service as POST / only.')
  const params = new FormParams(request.body.toString('utf8'))
  const action = params.required('Action')
  const operation = Object.hasOwn(protocol.operations, action) ? protocol.operations[action] : undefined
  if (operation === undefined || params.optional('Version') !== protocol.version)
    throw new AwsFault(
      'InvalidAction',
      400,
      `Could not find operation ${action.replace(/[^\w]/g, '?').slice(0, 64)} for version ${protocol.version}`,
    )
  const resource = params.optional('RoleArn') ?? params.optional('RoleName') ?? params.optional('PolicyArn')
  return {
    action,
    ...(resource === undefined ? {} : { resource: resource.slice(0, 2_048) }),
    perform: (nowMs) => ({
      status: 200,
      headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
      body: queryAnswer(protocol.namespace, action, operation({ state, caller, region, nowMs, params }), requestId),
    }),
  }
}

function errorAnswer(service: string, fault: AwsFault, request: WireRequest, requestId: string): Outcome {
  const protocol = QUERY_SERVICES[service]
  if (protocol !== undefined)
    return {
      status: fault.status,
      headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
      body: queryError(protocol.namespace, fault, requestId),
    }
  // S3 answers a missing signature as it answers an anonymous caller.
  const shown = fault.code === 'MissingAuthenticationToken' ? new AwsFault('AccessDenied', 403, 'Access Denied') : fault
  const headers = { 'content-type': 'application/xml', 'x-amz-request-id': requestId }
  return {
    status: shown.status,
    headers,
    body: request.method === 'HEAD' ? '' : s3Error(shown, request.path, requestId),
  }
}

/** For requests that carry no scope: a form is taken for STS, anything else for S3. */
function serviceGuess(request: WireRequest): string {
  return request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded') ? 'sts' : 's3'
}

function internalFailure(): AwsFault {
  return new AwsFault(
    'InternalFailure',
    500,
    'The request processing has failed because of an unknown error, exception or failure.',
  )
}

const FAULT_ANSWERS: Readonly<Record<string, (service: string) => AwsFault>> = {
  throttle: (service) =>
    service === 's3'
      ? new AwsFault('SlowDown', 503, 'Please reduce your request rate.')
      : new AwsFault('Throttling', 400, 'Rate exceeded'),
  error500: (service) =>
    service === 's3'
      ? new AwsFault('InternalError', 500, 'We encountered an internal error. Please try again.')
      : internalFailure(),
  access_denied: () => deniedByFault(),
}

function deniedByFault(): AwsFault {
  return new AwsFault('AccessDenied', 403, 'Access is denied by a fault that was set on the practice cloud.')
}

const QUERY_SERVICES: Readonly<
  Record<string, { readonly namespace: string; readonly version: string; readonly operations: typeof STS_OPERATIONS }>
> = {
  sts: { namespace: STS_NAMESPACE, version: '2011-06-15', operations: STS_OPERATIONS },
  iam: { namespace: IAM_NAMESPACE, version: '2010-05-08', operations: IAM_OPERATIONS },
}
