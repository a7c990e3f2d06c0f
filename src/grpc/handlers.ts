import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
} from '@grpc/grpc-js'
import { toGrpcStatus } from '../contract/error-status.ts'
import { duringCall } from '../core/correlation.ts'
import { asStintError, StintError } from '../core/errors.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'
import { callCorrelation } from './call-correlation.ts'

/** The longest delay of setTimeout. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Watchers whose streams end because the broker stops come back within this time, evenly spread. */
const COME_BACK_WITHIN_MS = 1_000

/** The part of a server call that handlers need, the same for unary and streaming calls. */
export type AnyCall = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>

/** Calls that end something have room of their own: an agent that asks too much can still give back. */
export type CallKind = 'call' | 'release' | 'stream'

/** Dependencies that every method shares. */
export interface HandlerParts {
  /** @throws {StintError} an identity error; the refusal is on record by then. */
  authenticate(call: AnyCall): Promise<CallerIdentity>
  /** Bounds what one agent can have in work here. @throws {StintError} RATE_LIMITED before any of the work is done */
  admit<T>(caller: CallerIdentity, kind: CallKind, work: () => Promise<T>): Promise<T>
  /** Longest time a unary call may take, whatever deadline the client sent. */
  readonly maxCallMs: number
  /** Aborts when the broker stops: streams end then, and unary calls are let finish. */
  readonly stopping: AbortSignal
  /** Spreads the times at which those whose stream was ended come back. 0 to 1. */
  readonly random: () => number
  /** Told of every error that a call ends with; ids only. @param peer `address:port` */
  onError(error: StintError, method: string, peer: string): void
}

/** Wraps a unary method: identity first, one signal for cancellation and deadline, every error as a rich status. */
export function unary<Request, Response>(
  parts: HandlerParts,
  method: string,
  work: (caller: CallerIdentity, request: Request, signal: AbortSignal) => Promise<Response>,
  kind: CallKind = 'call',
): handleUnaryCall<Request, Response> {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    const { signal, done } = callSignal(call, parts.maxCallMs)
    const correlation = callCorrelation(call.metadata)
    duringCall(correlation, () =>
      identified(parts, call as AnyCall, signal)
        .then((caller) => {
          return parts.admit(caller, kind, () => {
            signal.throwIfAborted()
            return work(caller, call.request, signal)
          })
        })
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(toGrpcStatus(report(parts, error, method, call.getPeer()), correlation)),
        )
        .finally(done),
    )
  }
}

/**
 * Wraps a server-streaming method. Writes wait for the client to read, so a slow reader costs one message. When the broker
 * stops, the stream ends with SHUTTING_DOWN and a time to come back after.
 */
export function streaming<Request, Response>(
  parts: HandlerParts,
  method: string,
  work: (caller: CallerIdentity, request: Request, signal: AbortSignal) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call: ServerWritableStream<Request, Response>) => {
    const { signal, done } = callSignal(call, undefined, parts)
    const correlation = callCorrelation(call.metadata)
    duringCall(correlation, () =>
      pump(parts, call, work, signal)
        .then(() => throwIfStopping(signal))
        .then(
          () => call.end(),
          (error: unknown) =>
            call.emit('error', toGrpcStatus(report(parts, error, method, call.getPeer()), correlation)),
        )
        .finally(done),
    )
  }
}

/** A caller who has gone is not worth a signature check. */
async function identified(parts: HandlerParts, call: AnyCall, signal: AbortSignal): Promise<CallerIdentity> {
  signal.throwIfAborted()
  return parts.authenticate(call)
}

async function pump<Request, Response>(
  parts: HandlerParts,
  call: ServerWritableStream<Request, Response>,
  work: (caller: CallerIdentity, request: Request, signal: AbortSignal) => AsyncIterable<Response>,
  signal: AbortSignal,
): Promise<void> {
  const caller = await identified(parts, call as AnyCall, signal)
  await parts.admit(caller, 'stream', () => send(parts, call, caller, work, signal))
}

async function send<Request, Response>(
  parts: HandlerParts,
  call: ServerWritableStream<Request, Response>,
  caller: CallerIdentity,
  work: (caller: CallerIdentity, request: Request, signal: AbortSignal) => AsyncIterable<Response>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of work(caller, call.request, signal)) {
    // The identity is looked at again before each message, since a stream outlives what its first call proved.
    await parts.authenticate(call as AnyCall)
    if (signal.aborted) return
    if (!call.write(message)) await drained(call, signal)
  }
}

function drained(call: ServerWritableStream<unknown, unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      call.off('drain', go)
      signal.removeEventListener('abort', go)
      resolve()
    }
    call.once('drain', go)
    signal.addEventListener('abort', go, { once: true })
    if (signal.aborted) go()
  })
}

function callSignal(
  call: AnyCall | ServerUnaryCall<never, never>,
  maxMs: number | undefined,
  stream?: Pick<HandlerParts, 'stopping' | 'random'>,
): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController()
  const abort = (code: 'CANCELLED' | 'DEADLINE_EXCEEDED') => controller.abort(new StintError(code))
  const cancelled = () => abort('CANCELLED')
  ;(call as AnyCall).on('cancelled', cancelled)
  if (call.cancelled) cancelled()
  const leftMs = Math.min(Number(call.getDeadline()) - Date.now(), maxMs ?? Number.POSITIVE_INFINITY)
  const timer = leftMs > MAX_TIMER_MS ? undefined : setTimeout(() => abort('DEADLINE_EXCEEDED'), leftMs)
  const stop = () => controller.abort(shuttingDown(stream?.random() ?? 0))
  stream?.stopping.addEventListener('abort', stop, { once: true })
  if (stream?.stopping.aborted) stop()
  const done = () => {
    // grpc-js calls every stream cancelled that has closed, answered or not.
    ;(call as AnyCall).off('cancelled', cancelled)
    clearTimeout(timer)
    stream?.stopping.removeEventListener('abort', stop)
  }
  return { signal: controller.signal, done }
}

function shuttingDown(random: number): StintError {
  const retryAfterMs = Math.round(random * COME_BACK_WITHIN_MS)
  return new StintError('SHUTTING_DOWN', {
    retryAfterMs,
    explanation: 'The broker is stopping; watch again to reach another one.',
  })
}

/** A method whose signal aborted returns as if it had finished, so the reason is looked up here. */
function throwIfStopping({ aborted, reason }: AbortSignal): void {
  if (aborted && reason instanceof StintError && reason.code === 'SHUTTING_DOWN') throw reason
}

function report(parts: HandlerParts, thrown: unknown, method: string, peer: string): StintError {
  const error = asStintError(thrown)
  parts.onError(error, method, peer)
  return error
}
