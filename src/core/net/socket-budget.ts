import { readFile } from 'node:fs/promises'
import { StintError } from '../errors.ts'
import type { ConnectionTableLimits } from './connection-table.ts'

/** Files kept for work in hand: the ledger, calls to AWS and to issuers, configuration that is read again. */
const RESERVED_FILES = 256
/** With fewer open files than this the broker cannot keep a reserve and serve anybody. */
const FEWEST_FILES = 512

/** How many connections each listener may have. */
export interface SocketBudget<Name extends string> {
  /** The limits of each listener. Where all together would not fit, the largest are lowered first. */
  readonly limits: Readonly<Record<Name, ConnectionTableLimits>>
  /** For operators, when limits had to be lowered. */
  readonly notice?: string
}

/**
 * Shares the open files that the process may have among its listeners such that a reserve is left, whatever connects.
 *
 * @param openFiles undefined where the limit is not known: then nothing is lowered.
 * @throws {StintError} CONFIG_INVALID when the limit is too low for a broker
 */
export function shareSockets<Name extends string>(
  wanted: Readonly<Record<Name, ConnectionTableLimits>>,
  openFiles: number | undefined,
): SocketBudget<Name> {
  const needed = Object.values<ConnectionTableLimits>(wanted).reduce((sum, limits) => sum + countSockets(limits), 0)
  if (openFiles === undefined || needed + RESERVED_FILES <= openFiles) return { limits: wanted }
  const raise = `Raise the limit of open files (ulimit -n, LimitNOFILE) to ${needed + RESERVED_FILES}`
  if (openFiles < FEWEST_FILES) {
    const explanation = `The process may have only ${openFiles} open files, and the broker needs ${FEWEST_FILES} at least. ${raise}.`
    throw new StintError('CONFIG_INVALID', { explanation })
  }
  const limits = fairShares(wanted, openFiles - RESERVED_FILES)
  const notice = `The process may have only ${openFiles} open files, so fewer connections are taken than configured. ${raise}, or lower server.maxConnections.`
  return { limits, notice }
}

/**
 * How many files this process may have open. Node has raised the soft limit to the hard one by the time that this runs.
 *
 * @returns undefined where the system does not tell, or has no limit.
 */
export async function openFileLimit(file = '/proc/self/limits'): Promise<number | undefined> {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(await readFile(file, 'utf8'))?.[1]
    return soft === undefined ? undefined : Number(soft)
  } catch {
    // Not Linux.
    return undefined
  }
}

/** Each gets what it wants or an even part of what those that want less have left, whichever is smaller. */
function fairShares<Name extends string>(
  wanted: Readonly<Record<Name, ConnectionTableLimits>>,
  sockets: number,
): Record<Name, ConnectionTableLimits> {
  const smallestFirst = Object.entries<ConnectionTableLimits>(wanted).sort(
    ([, a], [, b]) => countSockets(a) - countSockets(b),
  )
  let left = sockets
  const shares = smallestFirst.map(([name, limits], index) => {
    const share = Math.min(countSockets(limits), Math.floor(left / (smallestFirst.length - index)))
    left -= share
    return [name, scaled(limits, share / Math.max(1, countSockets(limits)))] as const
  })
  return Object.fromEntries(shares) as Record<Name, ConnectionTableLimits>
}

function countSockets({ maxConnections, maxUnproven }: ConnectionTableLimits): number {
  return maxConnections + maxUnproven
}

function scaled(limits: ConnectionTableLimits, share: number): ConnectionTableLimits {
  const few = (count: number) => (count === 0 ? 0 : Math.max(1, Math.floor(count * share)))
  return {
    ...limits,
    maxConnections: few(limits.maxConnections),
    maxConnectionsPerOwner: few(limits.maxConnectionsPerOwner),
    maxUnproven: few(limits.maxUnproven),
  }
}
