import { Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'
import { toGrpcStatus } from '../contract/error-status.ts'
import { type Correlation, duringCall, REQUEST_ID_HEADER } from '../core/correlation.ts'
import { StintError } from '../core/errors.ts'
import { settleCorrelation } from './call-correlation.ts'

/** Names and values of one call's metadata, with 32 bytes for each, as HTTP/2 counts a header list. */
const MAX_METADATA_BYTES = 8 * 1024

/** Options of `requestGuard`. */
export interface RequestGuardOptions {
  /** How long a request may take to arrive whole. */
  readonly requestMs: number
  /** Told of each call that was turned away. */
  onRefused(error: StintError, method: string, peer: string): void
}

/**
 * Looks at a call before any of its work: metadata over 8 KiB is refused, and so is a request that does not arrive whole
 * in time, since grpc-js waits for the rest for as long as the connection lives. The request id of the call is settled here, and
 * goes back with the first metadata of the answer.
 */
export function requestGuard({ requestMs, onRefused }: RequestGuardOptions): ServerInterceptor {
  return ({ path }, call) => {
    const peer = call.getPeer()
    let correlation: Correlation | undefined
    let answered = false
    const addRequestId = (metadata: Metadata) => {
      answered = true
      if (correlation) metadata.set(REQUEST_ID_HEADER, correlation.requestId)
      return metadata
    }
    const refuse = (error: StintError) => {
      duringCall(correlation, () => onRefused(error, path, peer))
      guarded.sendStatus(toGrpcStatus(error, correlation))
    }
    let timer: NodeJS.Timeout | undefined
    const guarded = new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            // Counted as it came: an id that is replaced may have been the longest part.
            const bytes = metadataBytes(metadata)
            correlation = settleCorrelation(metadata)
            if (bytes > MAX_METADATA_BYTES) return refuse(metadataTooLarge())
            timer = setTimeout(() => refuse(tooSlow()), requestMs)
            proceed(metadata)
          },
          onReceiveHalfClose: (proceed) => {
            clearTimeout(timer)
            proceed()
          },
          onCancel: () => clearTimeout(timer),
        }),
      sendMetadata: (metadata, next) => next(addRequestId(metadata)),
      // An error before the first message has no metadata but its own.
      sendStatus: (status, next) =>
        next(answered ? status : { ...status, metadata: addRequestId(status.metadata ?? new Metadata()) }),
    })
    return guarded
  }
}

function metadataBytes(metadata: Metadata): number {
  let bytes = 0
  for (const [name, values] of Object.entries(metadata.toJSON())) {
    for (const value of values) bytes += name.length + value.length + 32
  }
  return bytes
}

function metadataTooLarge(): StintError {
  const explanation = `A call's metadata may have at most ${MAX_METADATA_BYTES} bytes.`
  return new StintError('REQUEST_INVALID', { check: 'metadata', explanation })
}

function tooSlow(): StintError {
  return new StintError('DEADLINE_EXCEEDED', { check: 'half-sent', explanation: 'The request arrived incomplete.' })
}
