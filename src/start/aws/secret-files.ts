import { StintError } from '../../core/errors.ts'
import { readTextFile } from '../../core/files/read-text-file.ts'
import { Secret } from '../../core/secret.ts'

/**
 * Reads a secret, or another text, from the file that a setting names, without the white space around it.
 *
 * @param what names the file in an error; default `secret file`.
 * @throws {StintError} CONFIG_INVALID for a file that cannot be read or is empty.
 */
export async function readSecret(file: string, what = 'secret file'): Promise<Secret> {
  const text = (await readTextFile(file, 'CONFIG_INVALID', { what })).trim()
  if (text !== '') return new Secret(text)
  throw new StintError('CONFIG_INVALID', { explanation: `The ${what} ${file} is empty.` })
}
