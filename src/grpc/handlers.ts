import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
} from '@grpc/grpc-js'
import { toGrpcStatus } from '../contract/error-status.ts'
import { asStintError, StintError } from '../core/errors.ts'
import type { CallerIdentity } from '../identity/caller-identity.ts'

/** The part of a server call that handlers need, the same for unary and streaming calls. */
export type AnyCall = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>

export interface HandlerParts {
  /** @throws {StintError} an identity error; the refusal is on record by then. */
  authenticate(call: AnyCall): Promise<CallerIdentity>
  /** Longest time a unary call may take, whatever deadline the client sent. */
  readonly maxCallMs: number
  /** Told of errors that are our fault or the cloud's; ids only. */
  onError(error: StintError, method: string): void
}

/** Wraps a unary method: identity first, one signal for cancellation and deadline, every error as a rich status. */
export function unary<Request, Response>(
  parts: HandlerParts,
  method: string,
  work: (caller: CallerIdentity, request: Request, signal: AbortSignal) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    const { signal, done } = callSignal(call, parts.maxCallMs)
    parts
      .authenticate(call as AnyCall)
      .then((caller) => {
        signal.throwIfAborted()
        return work(caller, call.request, signal)
      })
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toGrpcStatus(report(parts, error, method))),
      )
      .finally(done)
  }
}

/** Wraps a server-streaming method. Writes wait for the client to read, so a slow reader costs one message. */
export function streaming<Request, Response>(
  parts: HandlerParts,
  method: string,
  work: (caller: CallerIdentity, request: Request, signal: AbortSignal) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call: ServerWritableStream<Request, Response>) => {
    const { signal, done } = callSignal(call, undefined)
    pump(parts, call, work, signal)
      .then(
        () => call.end(),
        (error: unknown) => call.emit('error', toGrpcStatus(report(parts, error, method))),
      )
      .finally(done)
  }
}

async function pump<Request, Response>(
  parts: HandlerParts,
  call: ServerWritableStream<Request, Response>,
  work: (caller: CallerIdentity, request: Request, signal: AbortSignal) => AsyncIterable<Response>,
  signal: AbortSignal,
): Promise<void> {
  const caller = await parts.authenticate(call as AnyCall)
  for await (const message of work(caller, call.request, signal)) {
    // The identity is looked at again before each message, since a stream outlives what its first call proved.
    await parts.authenticate(call as AnyCall)
    if (signal.aborted) return
    if (!call.write(message)) await drained(call, signal)
  }
}

function drained(call: ServerWritableStream<unknown, unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    call.once('drain', resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function callSignal(
  call: AnyCall | ServerUnaryCall<never, never>,
  maxMs: number | undefined,
): { signal: AbortSignal; done: () => void } {
  const controller = new AbortController()
  const abort = (code: 'CANCELLED' | 'DEADLINE_EXCEEDED') => controller.abort(new StintError(code))
  const cancelled = () => abort('CANCELLED')
  ;(call as AnyCall).on('cancelled', cancelled)
  if (call.cancelled) cancelled()
  const timer = maxMs === undefined ? undefined : setTimeout(() => abort('DEADLINE_EXCEEDED'), maxMs)
  return { signal: controller.signal, done: () => clearTimeout(timer) }
}

function report(parts: HandlerParts, thrown: unknown, method: string): StintError {
  const error = asStintError(thrown)
  parts.onError(error, method)
  return error
}
