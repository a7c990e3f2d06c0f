import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js'
import type { Json } from '../core/canonical-json.ts'
import type { Correlation } from '../core/correlation.ts'
import { asStintError, ERROR_CATALOG, type ErrorCode, type ErrorDetails, StintError } from '../core/errors.ts'
import { explainProblems, readInputProblems, renameFields } from '../core/input-error.ts'
import { describeReason } from '../core/text/describe-reason.ts'
import { decodeRpcStatus, encodeRpcStatus, type FieldViolation, STATUS_DETAILS_KEY } from './rpc-status.ts'

/** `ErrorInfo.domain` of every error of this contract. */
const ERROR_DOMAIN = 'stint.v1'

/**
 * Trailers share one header block, and many stacks stop at 8 KiB: what is over these limits is left out. Bytes of the details
 * count for a third more, since they travel as Base64, and the message by its percent-encoding.
 */
const MAX_MESSAGE_BYTES = 1_000
const MAX_DETAILS_BYTES = 2_400
const MAX_VIOLATIONS_BYTES = 1_200
/** Ends the metadata key of a detail that is not a text; its value is JSON. */
const JSON_SUFFIX = '_json'

/**
 * How an error leaves a gRPC server: the status of its catalogue row, and `google.rpc.Status` with ErrorInfo (`reason` is the
 * code, `metadata` the details: texts as they are, anything else as JSON under `<key>_json`), BadRequest (from the mistakes of
 * `inputError`, with fields as the .proto spells them, and each one's code as `reason`) and RetryInfo (from
 * `details.retryAfterMs`). The cause stays behind.
 *
 * @param correlation the ids of the call, for ErrorInfo: `requestId`, `traceId`.
 */
export function toGrpcStatus(error: unknown, correlation?: Correlation): StatusObject {
  const known = asStintError(error)
  const { grpc, title } = ERROR_CATALOG[known.code]
  const code = status[grpc]
  const { details, violations } = toWireDetails(known.details)
  const message = cut(
    details.explanation ? `${title}: ${details.explanation}` : title,
    encodedLength,
    MAX_MESSAGE_BYTES,
  )
  const { retryAfterMs } = details
  const bytes = encodeRpcStatus({
    code,
    message,
    errorInfo: { reason: known.code, domain: ERROR_DOMAIN, metadata: { ...toMetadata(details), ...correlation } },
    fieldViolations: violations,
    ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 && { retryDelayMs: Math.ceil(retryAfterMs) }),
  })
  const metadata = new Metadata()
  metadata.set(STATUS_DETAILS_KEY, bytes)
  return { code, details: message, metadata }
}

/**
 * The error that the server meant. Without our ErrorInfo the gRPC status decides: UNAVAILABLE is BROKER_UNAVAILABLE, and a code
 * of a newer server (`details.reason`) falls back the same way. A stream that was reset without a status is
 * BROKER_UNAVAILABLE too: the broker, or something in between, was cut off in the middle of the call.
 */
export function fromServiceError(error: ServiceError): StintError {
  const bytes = error.metadata?.get(STATUS_DETAILS_KEY)[0]
  const rich = bytes instanceof Uint8Array ? decodeRpcStatus(bytes) : undefined
  const info = rich?.errorInfo
  if (info?.domain !== ERROR_DOMAIN) {
    const code = STREAM_RESET.test(error.details) ? 'BROKER_UNAVAILABLE' : (FALLBACK[error.code] ?? 'INTERNAL')
    return new StintError(code, { explanation: bareExplanation(error) }, error)
  }
  const details = fromWireDetails(fromMetadata(info.metadata), rich?.fieldViolations ?? [])
  if (isErrorCode(info.reason)) return new StintError(info.reason, details, error)
  return new StintError(FALLBACK[error.code] ?? 'INTERNAL', { ...details, reason: info.reason }, error)
}

/** The words of @grpc/grpc-js 1.14; it gives these streams the status INTERNAL. */
const STREAM_RESET = /^Received RST_STREAM with code \d+/

const FALLBACK: Partial<Record<status, ErrorCode>> = {
  [status.CANCELLED]: 'CANCELLED',
  [status.INVALID_ARGUMENT]: 'REQUEST_INVALID',
  [status.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [status.NOT_FOUND]: 'NOT_FOUND',
  [status.RESOURCE_EXHAUSTED]: 'RATE_LIMITED',
  [status.UNAVAILABLE]: 'BROKER_UNAVAILABLE',
  [status.UNAUTHENTICATED]: 'IDENTITY_REQUIRED',
}

function bareExplanation(error: ServiceError): string {
  // The words of @grpc/grpc-js 1.14 for a connection that failed, around the reason that is worth telling.
  const [, reason] =
    /^No connection established\. Last error: (?:Error: )?(.*?)\. Resolution note: ?$/.exec(error.details) ?? []
  if (error.code === status.UNAVAILABLE && reason !== undefined) {
    return `There is no connection to the broker (${describeReason(reason)}).`
  }
  return `The call ended with gRPC status ${status[error.code] ?? error.code} (${describeReason(error.details)}).`
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CATALOG, text)
}

function toMetadata(details: ErrorDetails): Record<string, string> {
  const metadata: Record<string, string> = {}
  let room = MAX_DETAILS_BYTES
  const entries = Object.entries(details).filter((entry): entry is [string, Json] => entry[1] !== undefined)
  for (const [key, value] of entries.sort(([a], [b]) => Number(b === 'explanation') - Number(a === 'explanation'))) {
    const isText = typeof value === 'string'
    const full = isText ? value.toWellFormed() : JSON.stringify(value)
    const text = key === 'explanation' ? cut(full, Buffer.byteLength, MAX_MESSAGE_BYTES) : full
    room -= key.length + Buffer.byteLength(text)
    if (room >= 0) metadata[isText ? key : key + JSON_SUFFIX] = text
  }
  return metadata
}

/** Fields by their names in the .proto; mistakes travel as violations, and those that find no room are counted. */
function toWireDetails(details: ErrorDetails): { details: ErrorDetails; violations: FieldViolation[] } {
  const problems = readInputProblems(details)
  if (problems.length === 0) return { details, violations: [] }
  const violations: FieldViolation[] = []
  let room = MAX_VIOLATIONS_BYTES
  for (const { field, message, code = '' } of problems) {
    const description = cut(message.toWellFormed(), Buffer.byteLength, 400)
    const violation = { field: cut(toProtoField(field), Buffer.byteLength, 200), description, reason: code }
    room -= Buffer.byteLength(Object.values(violation).join('')) + 6
    if (room < 0 && violations.length > 0) break
    violations.push(violation)
  }
  const omitted = problems.length - violations.length + (Number(details.omittedErrors) || 0)
  const shown = violations.map(({ field, description }) => ({ field, message: description }))
  const { errors: _, omittedErrors: __, ...others } = details
  const counted = omitted > 0 ? { omittedErrors: omitted } : {}
  return { details: { ...others, ...counted, explanation: explainProblems(shown, omitted) }, violations }
}

/** Fields by their names in TypeScript. */
function fromWireDetails(details: ErrorDetails, violations: readonly FieldViolation[]): ErrorDetails {
  if (violations.length === 0) return details
  const errors = violations.map(({ field, description, reason }) => ({
    field,
    message: description,
    ...(reason && { code: reason }),
  }))
  return renameFields({ ...details, errors }, fromProtoField)
}

/** `task.roleArn` is `task.role_arn` in the .proto. */
function toProtoField(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).toWellFormed()
}

function fromProtoField(field: string): string {
  return field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** As @grpc/grpc-js writes a message into a header. */
function encodedLength(text: string): number {
  return encodeURI(text).length
}

/** The longest beginning of a text, without half characters, that is within a length. */
function cut(text: string, lengthOf: (text: string) => number, max: number): string {
  let end = Math.min(text.length, max)
  let part = text.slice(0, end).toWellFormed()
  while (lengthOf(part) > max) {
    end = Math.floor((end * max) / lengthOf(part))
    part = text.slice(0, end).toWellFormed()
  }
  return part
}

function fromMetadata(metadata: Readonly<Record<string, string>>): ErrorDetails {
  const details = Object.entries(metadata).map(([key, value]): [string, Json] => {
    const parsed = key.endsWith(JSON_SUFFIX) ? parseJson(value) : undefined
    return parsed === undefined ? [key, value] : [key.slice(0, -JSON_SUFFIX.length), parsed]
  })
  return Object.fromEntries(details) as ErrorDetails
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
