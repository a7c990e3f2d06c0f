import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'

/** The content of a small file, and a hash of it: content shows a change whatever time stamps and links say. */
export interface SmallFile {
  readonly text: string
  /** SHA-256 of the bytes, lower-case hex. */
  readonly hash: string
}

/** Options of `readSmallFile`. */
export interface SmallFileLimits {
  /** Default 1 MiB. */
  readonly maxBytes?: number
  /** Takes a pipe too, such as a shell's `<(…)`, and waits for its end; for a file that a person names. Default false. */
  readonly pipes?: boolean
}

/** Why a file could not be used; its message completes a sentence that names the file, e.g. `cannot be read (ENOENT)`. */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError'
}

const DEFAULT_MAX_BYTES = 1_048_576
/** Without waiting: opening a named pipe must not hang the process. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * Reads a text file in UTF-8. Links are followed, as Kubernetes mounts its files; anything but a plain file is refused,
 * and so is one that is larger than the limit or grows beyond it while it is read.
 *
 * @throws {UnusableFileError}
 */
export async function readSmallFile(
  path: string,
  { maxBytes = DEFAULT_MAX_BYTES, pipes = false }: SmallFileLimits = {},
): Promise<SmallFile> {
  const file = await open(path, pipes ? constants.O_RDONLY : FLAGS).catch(unreadable)
  try {
    const stats = await file.stat()
    if (!stats.isFile() && !(pipes && !stats.isDirectory())) throw notPlain()
    const buffer = Buffer.alloc(maxBytes + 1)
    let length = 0
    while (length <= maxBytes) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length).catch(unreadable)
      if (bytesRead === 0) return decode(buffer.subarray(0, length))
      length += bytesRead
    }
    throw tooLarge(maxBytes)
  } finally {
    await file.close()
  }
}

/** As `readSmallFile`, for callers that cannot wait. */
export function readSmallFileSync(
  path: string,
  { maxBytes = DEFAULT_MAX_BYTES }: Omit<SmallFileLimits, 'pipes'> = {},
): SmallFile {
  const file = attempt(() => openSync(path, FLAGS))
  try {
    if (!fstatSync(file).isFile()) throw notPlain()
    const buffer = Buffer.alloc(maxBytes + 1)
    let length = 0
    while (length <= maxBytes) {
      const bytesRead = attempt(() => readSync(file, buffer, length, buffer.length - length, null))
      if (bytesRead === 0) return decode(buffer.subarray(0, length))
      length += bytesRead
    }
    throw tooLarge(maxBytes)
  } finally {
    closeSync(file)
  }
}

function attempt<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    return unreadable(cause)
  }
}

function decode(bytes: Uint8Array): SmallFile {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { text, hash: createHash('sha256').update(bytes).digest('hex') }
  } catch (cause) {
    throw new UnusableFileError('is not valid UTF-8', { cause })
  }
}

function unreadable(cause: unknown): never {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
  throw new UnusableFileError(`cannot be read (${code})`, { cause })
}

function notPlain(): UnusableFileError {
  return new UnusableFileError('is not a plain file')
}

function tooLarge(maxBytes: number): UnusableFileError {
  return new UnusableFileError(`is larger than ${maxBytes} bytes`)
}
