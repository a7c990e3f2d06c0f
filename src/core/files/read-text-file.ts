import { type ErrorCode, StintError } from '../errors.ts'
import { readSmallFile, type SmallFileLimits, UnusableFileError } from './read-small-file.ts'

/** Options of `readTextFile`. */
export interface TextFileOptions extends SmallFileLimits {
  /** Names the file in the error, e.g. `registry file`. Default `file`. */
  readonly what?: string
}

/**
 * Reads a text file that a setting names.
 *
 * @param code of the error, e.g. `LABELS_INVALID`.
 * @throws {StintError} with this code for a file that cannot be read, is too large or is not UTF-8.
 */
export async function readTextFile(
  path: string,
  code: ErrorCode,
  { what = 'file', ...limits }: TextFileOptions = {},
): Promise<string> {
  try {
    return (await readSmallFile(path, limits)).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError(code, { explanation: `The ${what} ${path} ${error.message}.` }, error)
  }
}
