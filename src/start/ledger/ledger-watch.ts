import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import type { PartHealth } from '../../core/health/part-health.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

const LOOK_EVERY_MS = 10_000
const COMPONENT = 'ledger_space'
const MIB = 1_048_576
/** A twentieth of the file system is little, but of a large one it is much, and of a small one next to nothing. */
const LOW_SHARE = 0.05
const LOW_AT_MOST = 1_024 * MIB
const LOW_AT_LEAST = 64 * MIB

/**
 * Looks at the ledger file from outside. A file that is no longer under its name would take every record with it when the broker
 * stops, so the broker fails at once. A file system that fills up is told before it is full.
 */
export const ledgerWatch = definePart({
  name: 'ledgerWatch',
  async start({ config, clock, partHealth, fail }: Surroundings & { readonly ledger: Ledger }) {
    const { file } = config.ledger
    // A database is watched by whoever runs it.
    if (file === undefined) return { value: undefined }
    const stopping = new AbortController()
    const opened = await stat(file)
    const look = async () => {
      const found = await stat(file).catch(ignoreMissing)
      if (found?.ino !== opened.ino || found.dev !== opened.dev) {
        fail(replaced(file, found !== undefined))
        return false
      }
      // After the look at the file, which must not depend on what the file system tells of its space.
      await lookAtSpace(file, partHealth)
      return true
    }
    const watching = repeat(look, clock, stopping.signal, (error) => partHealth.failed(COMPONENT, error))
    const stop = async () => {
      stopping.abort()
      await watching
    }
    return { value: undefined, stop }
  },
})

/** Until `look` says that it has seen enough. */
async function repeat(
  look: () => Promise<boolean>,
  clock: Clock,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    const goOn = await look().catch((error: unknown) => {
      onError(error)
      return true
    })
    if (!goOn) return
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined)
  }
}

async function lookAtSpace(file: string, partHealth: PartHealth): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(dirname(file))
  const free = bavail * bsize
  partHealth.report(COMPONENT, isLow(free, blocks * bsize) ? spaceLow(file, free) : undefined)
}

/** @param size of the whole file system, in bytes like `free`. */
export function isLow(free: number, size: number): boolean {
  return free < Math.max(LOW_AT_LEAST, Math.min(LOW_AT_MOST, size * LOW_SHARE))
}

function spaceLow(file: string, free: number): StintError {
  const explanation = `The file system of the ledger has ${Math.floor(free / MIB)} MiB left. When it is full, nothing is granted or revoked: enlarge it, or free some space.`
  return new StintError('LEDGER_SPACE_LOW', { explanation, file, free })
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
