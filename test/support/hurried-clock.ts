import { ManualClock } from './manual-clock.ts'

/** A manual clock on which whoever sleeps moves the time himself: waits pass at once, and are on record. */
export class HurriedClock extends ManualClock {
  readonly slept: number[] = []

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.slept.push(ms)
    await this.advance(ms)
    signal?.throwIfAborted()
  }
}
