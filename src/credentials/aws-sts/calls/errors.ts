import { type ErrorCode, type ErrorDetails, StintError } from '../../../core/errors.ts'
import { ProxyError } from '../../../core/net/proxy/proxy-error.ts'
import { type MintOutcome, ProviderReply } from '../../provider.ts'
import { CredentialSourceError } from '../own-credentials/broker-credentials.ts'
import { quoteSafely } from './quote.ts'

/**
 * The kinds of failure, by the state of the far side: it is down, asks for less, refuses this request, does not take the broker's own
 * credentials or its clock, has no room left, was changed by someone else in the same moment, or sent an unreadable answer.
 */
type FaultKind = 'down' | 'throttled' | 'refused' | 'broker_credentials' | 'clock' | 'limit' | 'conflict' | 'unreadable'

/** How one failure of STS or IAM is treated. */
export interface FaultRow {
  readonly kind: FaultKind
  readonly code: ErrorCode
  readonly retry: boolean
  /** `unknown` where AssumeRole may have made a session all the same. */
  readonly outcome: MintOutcome
  readonly explanation: string
  /** True where AWS's own words repeat the signed request, session token included: they are not quoted. */
  readonly wordsAreSecret?: true
}

const DOWN = {
  kind: 'down',
  code: 'PROVIDER_UNAVAILABLE',
  retry: true,
  outcome: 'unknown',
  explanation: 'The AWS service failed to answer properly; the same call may succeed later.',
} as const satisfies FaultRow

const UNREACHED = {
  ...DOWN,
  outcome: 'not_minted',
  explanation: 'The AWS endpoint could not be reached; check its address, DNS and the network path to it.',
} as const satisfies FaultRow

const UNTRUSTED_ENDPOINT = {
  ...UNREACHED,
  retry: false,
  explanation:
    'The TLS certificate of the AWS endpoint does not verify; check the endpoint and the CA certificates (aws.caFile).',
} as const satisfies FaultRow

/** Refusals of a proxy that the same call will meet again. */
const PROXY_REFUSES_FOR_GOOD = [403, 407]

/** A proxy that fails is an outage of the way to AWS and says nothing of the request. */
function proxyRow({ failure, message }: ProxyError): FaultRow {
  return { ...UNREACHED, retry: !PROXY_REFUSES_FOR_GOOD.includes(failure.statusCode ?? 0), explanation: message }
}

const THROTTLED = {
  kind: 'throttled',
  code: 'PROVIDER_THROTTLED',
  retry: true,
  outcome: 'not_minted',
  explanation: 'AWS is throttling; wait, or lower the configured call rate.',
} as const satisfies FaultRow

const CONFLICT = {
  kind: 'conflict',
  code: 'PROVIDER_UNAVAILABLE',
  retry: true,
  outcome: 'not_minted',
  explanation: 'Another change to the same IAM entity was in progress; the broker tries the write again.',
} as const satisfies FaultRow

const UNREADABLE = {
  kind: 'unreadable',
  code: 'PROVIDER_ANSWER_INVALID',
  retry: false,
  outcome: 'unknown',
  explanation: 'The AWS service returned an unreadable response.',
} as const satisfies FaultRow

const refused = (explanation: string, code: ErrorCode = 'PROVIDER_REFUSED'): FaultRow => ({
  kind: 'refused',
  code,
  retry: false,
  outcome: 'not_minted',
  explanation,
})

const GONE = refused('The role or policy does not exist in the account; check its ARN.')
const PARAMETER_INVALID = refused(
  "AWS rejected the call: a parameter breaks its rules. The broker's log has AWS's own words.",
)

const brokerCredentials = (explanation: string): FaultRow => ({
  kind: 'broker_credentials',
  code: 'PROVIDER_UNAVAILABLE',
  retry: false,
  outcome: 'not_minted',
  explanation,
})

const CLOCK: FaultRow = {
  ...brokerCredentials("AWS rejected the signature time: check the broker's clock."),
  kind: 'clock',
}
const UNKNOWN_KEY = brokerCredentials("AWS does not know the broker's own access key.")
const NO_CREDENTIALS = brokerCredentials('The broker found no AWS credentials of its own.')

/** Our own code for the LimitExceeded of a document that is short enough: IAM has one code for both quotas. */
export const TOO_MANY_VERSIONS = 'TooManyPolicyVersions'

/**
 * Failures by the code that AWS sends (without the suffix `Exception`) or that Node gives a socket error.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
 */
const FAULTS: Readonly<Record<string, FaultRow>> = {
  Throttling: THROTTLED,
  ThrottledException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  TooManyRequests: THROTTLED,
  RequestThrottled: THROTTLED,
  SlowDown: THROTTLED,
  BandwidthLimitExceeded: THROTTLED,

  ServiceFailure: DOWN,
  InternalFailure: DOWN,
  InternalError: DOWN,
  InternalServerError: DOWN,
  ServiceUnavailable: DOWN,
  IDPCommunicationError: { ...DOWN, outcome: 'not_minted' },
  TimeoutError: { ...DOWN, explanation: 'The AWS service did not answer in time.' },
  AbortError: { ...DOWN, explanation: 'The call to the AWS service was cut off.' },
  ECONNRESET: { ...DOWN, explanation: 'The connection to the AWS service broke before the answer came.' },
  EPIPE: { ...DOWN, explanation: 'The connection to the AWS service broke before the answer came.' },
  ETIMEDOUT: { ...DOWN, explanation: 'The AWS service did not answer in time.' },

  ECONNREFUSED: UNREACHED,
  ENOTFOUND: UNREACHED,
  EAI_AGAIN: UNREACHED,
  EHOSTUNREACH: UNREACHED,
  ENETUNREACH: UNREACHED,
  CERT_HAS_EXPIRED: UNTRUSTED_ENDPOINT,
  CERT_NOT_YET_VALID: UNTRUSTED_ENDPOINT,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED_ENDPOINT,
  ERR_TLS_CERT_ALTNAME_INVALID: UNTRUSTED_ENDPOINT,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED_ENDPOINT,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED_ENDPOINT,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED_ENDPOINT,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED_ENDPOINT,

  ConcurrentModification: CONFLICT,
  EntityTemporarilyUnmodifiable: CONFLICT,

  AccessDenied: refused(
    'AWS denies this call to the broker: check the trust policy of the role (principal, external id, sts:TagSession, sts:SetSourceIdentity) and the policy of the broker.',
  ),
  UnauthorizedAccess: refused('AWS denies this call to the broker: check the policy of the broker.'),
  PackedPolicyTooLarge: refused(
    "Session policy and tags together exceed AWS's packed size limit; split the task or ask for less.",
    'SESSION_POLICY_TOO_LARGE',
  ),
  MalformedPolicyDocument: refused('AWS cannot read the policy document that was sent.'),
  ValidationError: PARAMETER_INVALID,
  Validation: PARAMETER_INVALID,
  InvalidInput: PARAMETER_INVALID,
  InvalidParameterValue: PARAMETER_INVALID,
  MissingParameter: refused('AWS rejected the call: a required parameter is missing.'),
  RegionDisabled: refused(
    'STS is switched off in this region for the account of the role; switch it on or use another.',
  ),
  NoSuchEntity: GONE,
  NotFound: GONE,
  UnmodifiableEntity: refused('Only AWS itself may change this entity; name a role or policy of your own.'),
  DeleteConflict: refused('The policy version is in use and cannot be deleted.'),
  PolicyNotAttachable: refused('This policy cannot be attached to a role.'),
  LimitExceeded: {
    ...refused('The policy document or its number of versions exceeds an IAM quota; shorten the document.'),
    kind: 'limit',
  },
  [TOO_MANY_VERSIONS]: {
    ...refused('The policy has as many versions as IAM keeps, and somebody else makes more of them.'),
    kind: 'limit',
    retry: true,
  },

  ExpiredToken: brokerCredentials("The broker's own AWS credentials have expired; renew them at their source."),
  TokenRefreshRequired: brokerCredentials("The broker's own AWS credentials must be renewed at their source."),
  InvalidClientTokenId: UNKNOWN_KEY,
  UnrecognizedClient: UNKNOWN_KEY,
  InvalidAccessKeyId: UNKNOWN_KEY,
  InvalidToken: brokerCredentials("AWS does not accept the session token of the broker's own credentials."),
  AuthFailure: brokerCredentials("AWS does not accept the broker's own credentials."),
  SignatureDoesNotMatch: {
    ...brokerCredentials("The signature of the call is wrong: check the broker's secret access key and its clock."),
    wordsAreSecret: true,
  },
  IncompleteSignature: { ...brokerCredentials('The signature of the call is incomplete.'), wordsAreSecret: true },
  RequestExpired: CLOCK,
  RequestTimeTooSkewed: CLOCK,
  MissingAuthenticationToken: brokerCredentials('The call carried no credentials.'),
  OptInRequired: brokerCredentials("The broker's account is not signed up for this service."),
  InvalidIdentityToken: brokerCredentials("AWS does not accept the broker's identity token."),
  IDPRejectedClaim: brokerCredentials("The identity provider of the broker's token rejected it."),
  CredentialsProviderError: NO_CREDENTIALS,
  TokenProviderError: NO_CREDENTIALS,
}

/** The call that failed; ids only, but for `secrets`. */
export interface CallContext {
  readonly operation: string
  readonly roleArn?: string
  readonly target?: string
  /** The role that signs the call, where it is not the broker's own principal. */
  readonly revokerArn?: string
  /** False when no byte of the request can have left: it failed before it was sent. */
  readonly sent: boolean
  /** Secrets that the request carried: no answer is quoted with them. */
  readonly secrets?: readonly string[]
}

/** A failed call, ready to be retried or thrown. */
export interface ProviderFault {
  readonly row: FaultRow
  /** The code as AWS sent it, cut to a safe alphabet. */
  readonly awsCode: string
  readonly requestId?: string
  /** Its `cause` is a ProviderReply: what AWS said, cleaned, for the log and the trail. */
  readonly error: StintError
}

/**
 * Reads any failure of an SDK call by FAULTS. The thrown error itself is dropped: SDK errors hold the whole response. AWS's
 * words are quoted only in the cause, cleaned, and not at all where they repeat the signed request.
 */
export function toProviderFault(thrown: unknown, context: CallContext): ProviderFault {
  const fromSource = thrown instanceof CredentialSourceError
  const failure = fromSource ? thrown.cause : thrown
  const { awsCode, key, httpStatus, requestId, message } = read(failure)
  const proxied = failure instanceof ProxyError ? failure : undefined
  const known = proxied ? proxyRow(proxied) : (FAULTS[key] ?? rowForStatus(httpStatus))
  const row = fromSource ? sourceRow(known, proxied) : known
  const outcome = context.sent ? row.outcome : 'not_minted'
  const packedPercent = key === 'PackedPolicyTooLarge' ? /(\d{2,5})\s?%/.exec(message)?.[1] : undefined
  const deniedAction = key === 'AccessDenied' ? /perform: ((?:sts|iam):[A-Za-z]{1,40})\b/.exec(message)?.[1] : undefined
  const { revokerArn } = context
  const isRevokerDenied = revokerArn !== undefined && row.kind === 'refused' && httpStatus === 403
  const details: ErrorDetails = {
    explanation: isRevokerDenied
      ? `AWS denies ${deniedAction ?? context.operation} to the revoker ${revokerArn}: give it the permissions of a revoker (docs/aws).`
      : row.explanation,
    provider: 'aws-sts',
    operation: context.operation,
    awsCode,
    outcome,
    fault: row.kind,
    ...(row.kind === 'limit' ? { limit: 'policy_document' } : {}),
    ...(proxied && { proxy: proxied.failure.proxy }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(requestId === undefined ? {} : { awsRequestId: requestId }),
    ...(packedPercent === undefined ? {} : { packedPercent: Number(packedPercent) }),
    ...(deniedAction === undefined ? {} : { deniedAction }),
    ...(context.roleArn === undefined ? {} : { roleArn: context.roleArn }),
    ...(context.target === undefined ? {} : { target: context.target }),
    ...(revokerArn === undefined ? {} : { revokerArn }),
  }
  const words = row.wordsAreSecret ? '' : quoteSafely(message, context.secrets ?? [])
  const reply = new ProviderReply(awsCode, words, requestId)
  return { row, awsCode, ...(requestId && { requestId }), error: new StintError(row.code, details, reply) }
}

/** The source asks AWS too (web identity, SSO, another role): what it meets is no verdict on the task's role. */
function sourceRow({ retry, kind }: FaultRow, proxied: ProxyError | undefined): FaultRow {
  const passing = retry && (kind === 'down' || kind === 'throttled')
  const advice = proxied
    ? `could not be read: ${proxied.message}`
    : 'could not be read; check their source (files, environment, instance or pod role).'
  return {
    ...brokerCredentials(`The broker's own AWS credentials ${advice}`),
    retry: passing,
  }
}

function rowForStatus(httpStatus: number | undefined): FaultRow {
  if (httpStatus === 429) return THROTTLED
  if (httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500)
    return refused('AWS rejected the call with an unknown error code; look it up by the request id.')
  if (httpStatus !== undefined && httpStatus < 400) return UNREADABLE
  return { ...DOWN, retry: httpStatus !== undefined }
}

const MAX_MESSAGE = 4_096

interface ReadError {
  awsCode: string
  key: string
  httpStatus: number | undefined
  requestId: string | undefined
  message: string
}

function read(thrown: unknown): ReadError {
  const error = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as Record<string, unknown>
  const metadata = (error.$metadata ?? {}) as Record<string, unknown>
  const names = [error.Code, error.code, error.name].map(safeCode).filter((name) => name !== undefined)
  const keys = names.map((name) => (Object.hasOwn(FAULTS, name) ? name : name.replace(/(Exception|Fault)$/, '')))
  const known = keys.findIndex((key) => Object.hasOwn(FAULTS, key))
  const at = known < 0 ? 0 : known
  return {
    awsCode: names[at] ?? 'Unknown',
    key: keys[at] ?? 'Unknown',
    httpStatus: typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined,
    requestId: safeRequestId(metadata.requestId) ?? safeRequestId(error.RequestId),
    message: typeof error.message === 'string' ? shortened(error.message) : '',
  }
}

/** The word that the cut goes through is left out: half a secret is not known as one. */
function shortened(message: string): string {
  return message.length <= MAX_MESSAGE ? message : message.slice(0, MAX_MESSAGE).replace(/\S+$/, '')
}

function safeCode(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z][A-Za-z._]{1,63}$/.test(value) ? value : undefined
}

function safeRequestId(value: unknown): string | undefined {
  return typeof value === 'string' && REQUEST_IDS.some((shape) => shape.test(value)) ? value : undefined
}

/** Those of AWS and MinIO (hexadecimal), and those of Ceph (`tx…-…-zone`). Nothing else is taken for an id. */
const REQUEST_IDS = [/^[0-9a-f-]{8,40}$/i, /^tx[0-9a-f]{10,24}(-[0-9a-z]{1,24}){1,4}$/]
