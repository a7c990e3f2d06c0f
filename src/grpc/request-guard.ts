import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js'
import { toGrpcStatus } from '../contract/error-status.ts'
import { StintError } from '../core/errors.ts'

/** Names and values of one call's metadata, with 32 bytes for each, as HTTP/2 counts a header list. */
const MAX_METADATA_BYTES = 8 * 1024

export interface RequestGuardOptions {
  /** How long a request may take to arrive whole. */
  readonly requestMs: number
  /** Told of each call as it begins. @param peer `address:port` @returns false when its connection is being cut */
  onCall(peer: string): boolean
  /** Told of each call that its client gave up before it was answered. @param peer `address:port` */
  onGivenUp(peer: string): void
  /** Told of each call that was turned away. */
  onRefused(error: StintError, method: string, peer: string): void
}

/**
 * Looks at a call before any of its work: metadata over 8 KiB is refused, and so is a request that does not arrive whole
 * in time, since grpc-js waits for the rest for as long as the connection lives.
 */
export function requestGuard({ requestMs, onCall, onGivenUp, onRefused }: RequestGuardOptions): ServerInterceptor {
  return ({ path }, call) => {
    const peer = call.getPeer()
    if (!onCall(peer)) return dropped(call)
    const refuse = (error: StintError) => {
      onRefused(error, path, peer)
      guarded.sendStatus(toGrpcStatus(error))
    }
    let timer: NodeJS.Timeout | undefined
    let answered = false
    const guarded = new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            if (metadataBytes(metadata) > MAX_METADATA_BYTES) return refuse(metadataTooLarge())
            timer = setTimeout(() => refuse(tooSlow()), requestMs)
            proceed(metadata)
          },
          onReceiveHalfClose: (proceed) => {
            clearTimeout(timer)
            proceed()
          },
          // grpc-js calls this for every stream that closes, answered or not.
          onCancel: () => {
            clearTimeout(timer)
            if (!answered) onGivenUp(peer)
          },
        }),
      sendStatus: (status, next) => {
        answered = true
        next(status)
      },
    })
    return guarded
  }
}

/** A call that was read before its connection was cut: no handler sees it, and nobody waits for an answer. */
export function dropped(call: ServerInterceptingCallInterface): ServerInterceptingCall {
  return new ServerInterceptingCall(call, { start: () => {} })
}

function metadataBytes(metadata: Metadata): number {
  let bytes = 0
  for (const [name, values] of Object.entries(metadata.toJSON())) {
    for (const value of values) bytes += name.length + value.length + 32
  }
  return bytes
}

function metadataTooLarge(): StintError {
  const explanation = `The metadata of a call is ${MAX_METADATA_BYTES} bytes at most.`
  return new StintError('REQUEST_INVALID', { check: 'metadata', explanation })
}

function tooSlow(): StintError {
  return new StintError('DEADLINE_EXCEEDED', { check: 'half-sent', explanation: 'The request did not arrive whole.' })
}
