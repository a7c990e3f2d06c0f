import { randomBytes } from 'node:crypto'
import { rm, stat, statfs, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode, StintError } from '../../core/errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { isFinalState } from '../../ledger/rules/grant-rules.ts'

const MIB = 1_048_576
/** A twentieth of the file system is little, but of a large one it is much, and of a small one next to nothing. */
const LOW_SHARE = 0.05
const LOW_AT_MOST = 1_024 * MIB
const LOW_AT_LEAST = 64 * MIB
/** With less than this nothing is granted, so that revocations, endings and the record have the rest. */
const SHORT = 24 * MIB
/** Held in a file beside the ledger, so that there is something left even where another program has filled the disk. */
const RESERVE = 8 * MIB

/** The space of a file system, in bytes. */
export interface Space {
  readonly free: number
  readonly size: number
}

/**
 * The space for a ledger file. Where it runs out, grants are refused first: taking access away, and the record of it, go on in what
 * is kept for them.
 */
export class LedgerSpace {
  readonly #file: string
  readonly #readSpace: (folder: string) => Promise<Space>
  #shortage: StintError | undefined

  constructor(file: string, readSpace: (folder: string) => Promise<Space> = readFileSystem) {
    this.#file = file
    this.#readSpace = readSpace
  }

  /** Why nothing is granted now; undefined while there is space. */
  get shortage(): StintError | undefined {
    return this.#shortage
  }

  /** Looks at the file system, and keeps or lets go of the reserve. @returns the problem for the status, if there is one */
  async look(): Promise<StintError | undefined> {
    const { free, size } = await this.#readSpace(dirname(this.#file))
    // Once short, it stays so until there is space for the reserve too: it would come and go with every look.
    if (free < SHORT || (this.#shortage && free < LOW_AT_LEAST)) {
      await this.release()
      this.#shortage = spaceShort(this.#file, free)
      return this.#shortage
    }
    this.#shortage = undefined
    if (free > LOW_AT_LEAST + RESERVE) await this.#keepReserve()
    return isLow(free, size) ? spaceLow(this.#file, free) : undefined
  }

  /** Gives the reserve to the ledger. @returns false if there was none */
  async release(): Promise<boolean> {
    const name = reserveName(this.#file)
    const found = await stat(name).catch(ignoreMissing)
    await rm(name, { force: true })
    return found !== undefined
  }

  async #keepReserve(): Promise<void> {
    const name = reserveName(this.#file)
    const found = await stat(name).catch(ignoreMissing)
    // Random, since a file system that compresses would keep no space for zeros.
    if (found?.size !== RESERVE) await writeFile(name, randomBytes(RESERVE), { mode: 0o600 })
  }
}

/**
 * Opens a ledger on a file system that may be full: then the reserve is given to it, so that a broker starts whose disk another
 * program has filled.
 */
export async function openWithin(space: LedgerSpace | undefined, open: () => Promise<Ledger>): Promise<Ledger> {
  let ledger: Ledger
  try {
    ledger = await open()
  } catch (error) {
    if (!hasCode(error, 'LEDGER_UNAVAILABLE') || !(await space?.release())) throw error
    ledger = await open()
  }
  // Before the first call. A file system that does not tell its space is reported by whoever looks at it from then on.
  await space?.look().catch(() => undefined)
  return ledger
}

/** A ledger, and the space for its file; a database has none of ours. */
export type SpacedLedger = Ledger & { readonly space?: LedgerSpace }

/** The same ledger, which opens no grant and gives no lease while there is a shortage of space. */
export function withinSpace(ledger: Ledger, space: Pick<LedgerSpace, 'shortage'>): Ledger {
  const refuse = () => {
    if (space.shortage) throw space.shortage
  }
  return {
    ...ledger,
    openGrant: async (input) => {
      if (!isFinalState(input.grant.state)) refuse()
      return ledger.openGrant(input)
    },
    intendLease: async (input) => {
      refuse()
      return ledger.intendLease(input)
    },
  }
}

/** @param size of the whole file system, in bytes like `free`. */
export function isLow(free: number, size: number): boolean {
  return free < Math.max(LOW_AT_LEAST, Math.min(LOW_AT_MOST, size * LOW_SHARE))
}

async function readFileSystem(folder: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return { free: bavail * bsize, size: blocks * bsize }
}

function reserveName(file: string): string {
  return `${file}.reserve`
}

function spaceLow(file: string, free: number): StintError {
  const explanation = `The file system of the ledger has ${Math.floor(free / MIB)} MiB left. With less than ${SHORT / MIB} MiB nothing is granted: enlarge it, or free some space.`
  return new StintError('LEDGER_SPACE_LOW', { explanation, file, free })
}

function spaceShort(file: string, free: number): StintError {
  const explanation = `The file system of the ledger has ${Math.floor(free / MIB)} MiB left, so nothing is granted; grants can still be read, completed and revoked. Enlarge it, or free space until it has ${LOW_AT_LEAST / MIB} MiB.`
  return new StintError('LEDGER_SPACE_LOW', { explanation, file, free })
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
