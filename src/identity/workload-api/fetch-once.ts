import { StintError } from '../../core/errors.ts'
import type { X509SvidResponse } from './definition.ts'
import { openStream, type WorkloadApiError } from './open-stream.ts'

/** The answer of the Workload API, or how it refused. */
export type FetchedOnce = { readonly message: X509SvidResponse } | { readonly failure: WorkloadApiError | undefined }

/**
 * Asks the Workload API for the state of now: the first message of a stream that is then closed. For processes that must
 * not be held alive by an open stream.
 *
 * @param target as `workloadApiTarget` gives it.
 * @throws {StintError} WORKLOAD_API_UNAVAILABLE when nothing came before the signal aborted.
 */
export function fetchX509Once(target: string, signal: AbortSignal): Promise<FetchedOnce> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', abort)
      act()
    }
    const close = openStream(target, 'FetchX509SVID', {
      onMessage: (message) =>
        settle(() => {
          close()
          resolve({ message })
        }),
      onEnd: (failure) => settle(() => resolve({ failure })),
    })
    const abort = () =>
      settle(() => {
        close()
        reject(new StintError('WORKLOAD_API_UNAVAILABLE', { explanation: 'The Workload API did not answer in time.' }))
      })
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}
