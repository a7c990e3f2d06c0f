import type { ManualClock } from './manual-clock.ts'

/** Moves the clock on in small steps, letting real I/O happen in between, until the promise settles. */
export async function settle<T>(clock: ManualClock, promise: Promise<T>, stepMs = 50): Promise<T> {
  let settled = false
  const mark = () => {
    settled = true
  }
  promise.then(mark, mark)
  while (!settled) await clock.advance(stepMs)
  return promise
}

/** Lets real I/O happen, without moving time, until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
