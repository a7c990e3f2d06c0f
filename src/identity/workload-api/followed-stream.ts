import { status } from '@grpc/grpc-js'
import type { Clock } from '../../core/clock.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import { Backoff } from '../../core/limits/backoff.ts'
import { openStream, type WorkloadApiError, type WorkloadApiStreams } from './open-stream.ts'

/** Options of `FollowedStream`. */
export interface FollowedStreamOptions<Method extends keyof WorkloadApiStreams> {
  readonly target: string
  readonly method: Method
  readonly clock: Clock
  /** 0 to 1; spreads the reconnects of many workloads. */
  readonly random: () => number
  /** If it throws, the stream counts as failed. */
  readonly onMessage: (message: WorkloadApiStreams[Method]) => void
  /** Each failure. `final`: the stream is not opened again. What it throws is lost. */
  readonly onFailure: (failure: WorkloadApiError & { readonly final: boolean }) => void
}

const MIN_WAIT_MS = 1_000
const MAX_WAIT_MS = 30_000
/** Asking again would get the same answer (SPIFFE Workload Endpoint, appendix A). */
const FINAL: ReadonlySet<status> = new Set([status.INVALID_ARGUMENT, status.UNIMPLEMENTED])

/**
 * Keeps one stream of the Workload API open. A stream that the server ends is opened again at once, though at most once a
 * second; after a failure comes a wait of 1 to 30 s that grows, with jitter, and starts anew with each message.
 *
 * @see SPIFFE Workload API, section 4.2; SPIFFE Workload Endpoint, appendix A
 */
export class FollowedStream<Method extends keyof WorkloadApiStreams> {
  readonly #options: FollowedStreamOptions<Method>
  readonly #stop = new AbortController()
  readonly #backoff: Backoff
  #running: Promise<void> | undefined

  constructor(options: FollowedStreamOptions<Method>) {
    this.#options = options
    const { random } = options
    this.#backoff = new Backoff({ baseMs: 2 * MIN_WAIT_MS, capMs: MAX_WAIT_MS, leastShare: 0.5, random })
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when the stream is closed and no handler will be called any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stop
    let reopenedAtMs = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      const { failure, delivered } = await this.#once()
      if (signal.aborted) return
      if (!failure && delivered && clock.monotonicMs() - reopenedAtMs >= MIN_WAIT_MS) {
        reopenedAtMs = clock.monotonicMs()
        continue
      }
      const final = failure !== undefined && FINAL.has(failure.code)
      if (failure) this.#tell({ ...failure, final })
      else if (!delivered) this.#tell({ ...endedWithoutMessage(), final })
      if (final) return
      await clock.sleep(this.#backoff.nextMs(), signal).catch(() => undefined)
    }
  }

  /** A handler that fails must not end the stream's loop, and with it the process. */
  #tell(failure: WorkloadApiError & { readonly final: boolean }): void {
    try {
      this.#options.onFailure(failure)
    } catch {
      // Whoever could be told is the one that failed.
    }
  }

  /** One stream, to its end. */
  #once(): Promise<{ failure: WorkloadApiError | undefined; delivered: boolean }> {
    const { target, method, onMessage } = this.#options
    const { signal } = this.#stop
    return new Promise((resolve) => {
      let delivered = false
      const cancelled = () => {
        cancel()
        resolve({ failure: undefined, delivered })
      }
      const cancel = openStream(target, method, {
        onMessage: (message) => {
          delivered = true
          try {
            onMessage(message)
            this.#backoff.reset()
          } catch (error) {
            cancel()
            signal.removeEventListener('abort', cancelled)
            resolve({ failure: { code: status.INTERNAL, error: asStintError(error) }, delivered })
          }
        },
        onEnd: (failure) => {
          signal.removeEventListener('abort', cancelled)
          resolve({ failure, delivered })
        },
      })
      signal.addEventListener('abort', cancelled, { once: true })
      if (signal.aborted) cancelled()
    })
  }
}

function endedWithoutMessage(): WorkloadApiError {
  const explanation = 'The Workload API ended the stream without a message.'
  return { code: status.OK, error: new StintError('WORKLOAD_API_UNAVAILABLE', { status: 'OK', explanation }) }
}
