import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'

const MAX_FILE_BYTES = 1024 * 1024

/**
 * Reads a text file of at most 1 MiB in UTF-8; anything but a plain file (a pipe would hang) is an error.
 *
 * @returns the text and a hash of it, to see a change whatever time stamps and links say.
 */
export async function readSmallFile(path: string): Promise<{ text: string; hash: string }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new Error('not a plain file')
    if (stat.size > MAX_FILE_BYTES) throw new Error('larger than 1 MiB')
    const bytes = await file.readFile()
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), hash: hashOf(bytes) }
  } finally {
    await file.close()
  }
}

/** Calls `check` every `intervalMs` by the clock, one at a time, until stopped. `check` must not throw. */
export class Poll {
  readonly #abort = new AbortController()
  readonly #done: Promise<void>

  constructor({ clock, intervalMs, check }: { clock: Clock; intervalMs: number; check: () => Promise<void> }) {
    this.#done = this.#run(clock, intervalMs, check)
  }

  /** Resolves when no check runs any more. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#done
  }

  async #run(clock: Clock, intervalMs: number, check: () => Promise<void>): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      try {
        await clock.sleep(intervalMs, signal)
      } catch {
        return
      }
      await check()
    }
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
