import type { IAMClient } from '@aws-sdk/client-iam'
import type { STSClient } from '@aws-sdk/client-sts'
import { StintError } from '../../../core/errors.ts'

/** Facts about one HTTP exchange, whether it went well or not. */
export interface Exchange {
  /** True once the request was handed to the socket: from here on its effect may exist. */
  sent: boolean
  /** Called before the request is handed to the socket; what it throws keeps the request back. */
  readonly beforeSend?: (() => void) | undefined
  /** The `Date` header of the answer: the far side's clock, to the second. */
  serverDate?: Date
}

interface Response {
  readonly statusCode?: number
  readonly headers?: Record<string, string>
}

/** The part of an SDK command that is needed here. */
interface Command {
  readonly input: object
}

const exchanges = new WeakMap<object, Exchange>()

/**
 * Makes a client note, per call, whether the request went out and what time the answer told.
 *
 * @param onTime is told the time of every answer as it comes in.
 */
export function observe<C extends STSClient | IAMClient>(client: C, onTime?: (cloudNow: Date) => void): C {
  const stack = client.middlewareStack as STSClient['middlewareStack']
  stack.add(
    (next) => async (args) => {
      const exchange = exchanges.get(args.input)
      exchange?.beforeSend?.()
      if (exchange) exchange.sent = true
      const result = await next(args)
      const { headers, statusCode = 0 } = (result.response ?? {}) as Response
      const date = Date.parse(headers?.date ?? '')
      // An error page of a proxy on the way has the proxy's time.
      if (!Number.isFinite(date) || statusCode >= 500) return result
      if (exchange) exchange.serverDate = new Date(date)
      onTime?.(new Date(date))
      return result
    },
    { step: 'deserialize', name: 'stintObserve', priority: 'low' },
  )
  return client
}

/** How long one call may take, who can end it, and where it tells how far it got. */
export interface SendOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly exchange: Exchange
}

/**
 * Sends one command once, and returns within `timeoutMs` whatever the far side does (a body that trickles, a credential
 * source that hangs).
 *
 * @param exchange filled in as the call goes on; read it also when this throws.
 * @throws the SDK's own error, an Error named `TimeoutError`, or StintError CANCELLED when `signal` fired.
 */
export async function sendOnce<R>(
  send: (abortSignal: AbortSignal) => Promise<R>,
  command: Command,
  options: SendOptions,
): Promise<R> {
  const { signal, exchange } = options
  exchanges.set(command.input, exchange)
  const stop = new AbortController()
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const end = (error: Error) => {
    reject(error)
    stop.abort()
  }
  const onAbort = () => end(cancelled())
  const timer = setTimeout(() => {
    end(Object.assign(new Error('no answer in time'), { name: 'TimeoutError', code: 'ETIMEDOUT' }))
  }, options.timeoutMs)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  stopped.catch(() => undefined) // it is only ever read through the race below
  try {
    if (signal.aborted) return await stopped
    return await Promise.race([send(stop.signal), stopped])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** The caller's signal fired. */
export function cancelled(): StintError {
  return new StintError('CANCELLED', { explanation: 'The caller cancelled the call before AWS responded.' })
}
