import { stat } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'
import type { SpacedLedger } from './ledger-space.ts'

const LOOK_EVERY_MS = 10_000
/** The same once space is low: it may go fast. */
const LOOK_EVERY_MS_IF_LOW = 1_000
const COMPONENT = 'ledger_space'

/**
 * Looks at the ledger file from outside. A file that is no longer under its name would take every record with it when the broker
 * stops, so the broker fails at once. A file system that fills up is told before it is full.
 */
export const ledgerWatch = definePart({
  name: 'ledgerWatch',
  async start({
    config,
    clock,
    partHealth,
    fail,
    ledger: { space },
  }: Surroundings & { readonly ledger: SpacedLedger }) {
    const { file } = config.ledger
    // A database is watched by whoever runs it.
    if (file === undefined) return { value: undefined }
    const stopping = new AbortController()
    const opened = await stat(file)
    const look = async () => {
      const found = await stat(file).catch(ignoreMissing)
      if (found?.ino !== opened.ino || found.dev !== opened.dev) {
        fail(replaced(file, found !== undefined))
        return undefined
      }
      // After the look at the file, which must not depend on what the file system tells of its space.
      const problem = await space?.look()
      partHealth.report(COMPONENT, problem)
      return problem ? LOOK_EVERY_MS_IF_LOW : LOOK_EVERY_MS
    }
    const watching = repeat(look, clock, stopping.signal, (error) => partHealth.failed(COMPONENT, error))
    const stop = async () => {
      stopping.abort()
      await watching
    }
    return { value: undefined, stop }
  },
})

/** @param look says when to look again; undefined: never. */
async function repeat(
  look: () => Promise<number | undefined>,
  clock: Clock,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    const againInMs = await look().catch((error: unknown) => {
      onError(error)
      return LOOK_EVERY_MS
    })
    if (againInMs === undefined) return
    await clock.sleep(againInMs, signal).catch(() => undefined)
  }
}

function replaced(file: string, isOther: boolean): StintError {
  const explanation = isOther
    ? 'Another file has taken the place of the ledger while the broker was running. The broker stops, since what it records would be lost; stop the broker before you restore a backup.'
    : 'The ledger file was moved or deleted while the broker was running. The broker stops, since what it records would be lost; put the file back before you start it again.'
  return new StintError('LEDGER_REPLACED', { explanation, file })
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
