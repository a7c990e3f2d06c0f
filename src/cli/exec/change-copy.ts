import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { makeFileWhole } from '../../core/files/write-file-whole.ts'
import type { Change } from '../../sdk/types.ts'
import { type ChangeFlags, readApprovedFile } from '../change-files.ts'

/** Set in a child of `exec` that has a change: the path of a private copy of the file that it is to apply. */
const CHANGE_VARIABLE = 'STINT_CHANGE_FILE'

/** The private copy of one child. */
export interface ChangeCopy {
  readonly env: Readonly<Record<string, string>>
  /** Removes the copy. */
  remove(): Promise<void>
}

/**
 * Checks that the files are the ones that were asked for, and keeps what it has checked in a directory of its own (0700): whoever
 * changes the file afterwards does not change the copy.
 *
 * @throws {StintError} CHANGE_DIFFERS
 */
export async function copyChange(flags: ChangeFlags, change: Change | undefined): Promise<ChangeCopy> {
  if (!change) return { env: {}, remove: async () => undefined }
  const bytes = await readApprovedFile(flags, change)
  const directory = await mkdtemp(join(tmpdir(), 'stint-change-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  const path = join(directory, basename(flags.changeArtifact ?? flags.change ?? 'change'))
  try {
    await makeFileWhole(path, (beside) => writeFile(beside, bytes), { mustBeNew: true })
  } catch (error) {
    await remove()
    throw error
  }
  return { env: { [CHANGE_VARIABLE]: path }, remove }
}
