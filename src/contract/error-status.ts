import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js'
import type { Json } from '../core/canonical-json.ts'
import { asStintError, ERROR_CATALOG, type ErrorCode, type ErrorDetails, StintError } from '../core/errors.ts'
import { decodeRpcStatus, encodeRpcStatus, STATUS_DETAILS_KEY } from './rpc-status.ts'

/** `ErrorInfo.domain` of every error of this contract. */
const ERROR_DOMAIN = 'stint.v1'

/** Trailers share one header block with the message, and many stacks stop at 8 KiB: what is over these limits is left out. */
const MAX_MESSAGE_CHARACTERS = 1_000
const MAX_DETAILS_CHARACTERS = 3_000
/** Ends the metadata key of a detail that is not a text; its value is JSON. */
const JSON_SUFFIX = '_json'

/**
 * How an error leaves a gRPC server: the status of its catalogue row, and `google.rpc.Status` with ErrorInfo (`reason` is the
 * code, `metadata` the details: texts as they are, anything else as JSON under `<key>_json`), BadRequest (from
 * `details.errors`, a list of `{pointer, message}`) and RetryInfo (from `details.retryAfterMs`). The cause stays behind.
 */
export function toGrpcStatus(error: unknown): StatusObject {
  const known = asStintError(error)
  const code = status[ERROR_CATALOG[known.code].grpc]
  const message = known.message.toWellFormed().slice(0, MAX_MESSAGE_CHARACTERS).toWellFormed()
  const { retryAfterMs } = known.details
  const bytes = encodeRpcStatus({
    code,
    message,
    errorInfo: { reason: known.code, domain: ERROR_DOMAIN, metadata: toMetadata(known.details) },
    fieldViolations: violations(known.details.errors),
    ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 && { retryDelayMs: Math.ceil(retryAfterMs) }),
  })
  const metadata = new Metadata()
  metadata.set(STATUS_DETAILS_KEY, bytes)
  return { code, details: message, metadata }
}

/**
 * The error that the server meant. Without our ErrorInfo the gRPC status decides: UNAVAILABLE is BROKER_UNAVAILABLE, and a code
 * of a newer server (`details.reason`) falls back the same way.
 */
export function fromServiceError(error: ServiceError): StintError {
  const bytes = error.metadata?.get(STATUS_DETAILS_KEY)[0]
  const rich = bytes instanceof Uint8Array ? decodeRpcStatus(bytes) : undefined
  const info = rich?.errorInfo
  if (info?.domain !== ERROR_DOMAIN) {
    return new StintError(FALLBACK[error.code] ?? 'INTERNAL', { explanation: bareExplanation(error) }, error)
  }
  const details = fromMetadata(info.metadata)
  if (isErrorCode(info.reason)) return new StintError(info.reason, details, error)
  return new StintError(FALLBACK[error.code] ?? 'INTERNAL', { ...details, reason: info.reason }, error)
}

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
  // What @grpc/grpc-js 1.14 says of a connection that failed, around the reason that is worth telling.
  const [, reason] =
    /^No connection established\. Last error: (?:Error: )?(.*?)\. Resolution note: ?$/.exec(error.details) ?? []
  if (error.code === status.UNAVAILABLE && reason) return `There is no connection to the broker (${reason}).`
  return `The call ended with gRPC status ${status[error.code] ?? error.code} (${error.details}).`
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CATALOG, text)
}

function toMetadata(details: ErrorDetails): Record<string, string> {
  const metadata: Record<string, string> = {}
  let room = MAX_DETAILS_CHARACTERS
  const entries = Object.entries(details).filter((entry): entry is [string, Json] => entry[1] !== undefined)
  for (const [key, value] of entries.sort(([a], [b]) => Number(b === 'explanation') - Number(a === 'explanation'))) {
    const isText = typeof value === 'string'
    const full = isText ? value.toWellFormed() : JSON.stringify(value)
    const text = key === 'explanation' ? full.slice(0, MAX_MESSAGE_CHARACTERS).toWellFormed() : full
    room -= key.length + text.length
    if (room >= 0) metadata[isText ? key : key + JSON_SUFFIX] = text
  }
  return metadata
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

function violations(errors: Json | undefined): { field: string; description: string }[] {
  if (!Array.isArray(errors)) return []
  return errors.slice(0, 20).flatMap((entry: Json) => {
    const { pointer, message } = (entry ?? {}) as { pointer?: unknown; message?: unknown }
    if (typeof pointer !== 'string' || typeof message !== 'string') return []
    return [{ field: pointer.slice(0, 100).toWellFormed(), description: message.slice(0, 200).toWellFormed() }]
  })
}
