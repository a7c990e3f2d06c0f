import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

/** The ids that tie together all that one call leaves behind: its answer, log lines, events and errors. */
export interface Correlation {
  /** The caller's own if it is well-formed, else a UUID. Callers choose it, so it need not be unique and proves nothing. */
  readonly requestId: string
  /** 32 hex digits of the caller's `traceparent`; absent if the call belongs to no trace. */
  readonly traceId?: string
}

/** The header and gRPC metadata key of a request id. */
export const REQUEST_ID_HEADER = 'x-request-id'
/** The header and gRPC metadata key of a trace, as W3C Trace Context defines it. */
export const TRACEPARENT_HEADER = 'traceparent'

/** A short run of ASCII that starts with a letter or digit: safe in a header, a log line and a shell. */
const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/
/** Version ff is not valid; a later version may have more fields. @see W3C Trace Context, sections 3.2.2 and 4 */
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]{0,400})?$/

/**
 * Reads what a caller sent. A value of any other form than these is dropped as a whole, never cleaned, cut or shown: it is the
 * caller's text, and goes into logs and records.
 *
 * @param sent each header's one value; several values of one header count as malformed, so pass them joined or not at all.
 */
export function readCorrelation(
  sent: { readonly requestId: unknown; readonly traceparent: unknown },
  newRequestId: () => string = randomUUID,
): Correlation {
  const { requestId, traceparent } = sent
  const own = typeof requestId === 'string' && REQUEST_ID.test(requestId) ? requestId : newRequestId()
  const [, version, traceId, more] = (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)) || []
  // Version 00 ends after the flags.
  return traceId && !(version === '00' && more !== undefined) ? { requestId: own, traceId } : { requestId: own }
}

const calls = new AsyncLocalStorage<Correlation | undefined>()

/** Runs work on behalf of a call, with all that it waits for; `undefined` for work that outlives the call that began it. */
export function duringCall<T>(correlation: Correlation | undefined, work: () => T): T {
  return calls.run(correlation, work)
}

/** The call that the running code works for; undefined for what happens because time passes. */
export function currentCall(): Correlation | undefined {
  return calls.getStore()
}
