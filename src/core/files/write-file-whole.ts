import { randomBytes } from 'node:crypto'
import { link, lstat, open, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** How a file is put in its place. */
export interface WholeFileOptions {
  /** Permissions, less the umask. Default 0600: for its owner alone. */
  readonly mode?: number
  /** Takes the place of no other file: rejects with EEXIST. Default false. */
  readonly mustBeNew?: boolean
  /** On the disk, with its name, before the promise resolves: for what has to outlive a power cut. Default false. */
  readonly durable?: boolean
}

/**
 * Writes a file beside its place and then moves it there, so that another process that waits for it, or reads it meanwhile, finds
 * the file of before or the whole new one. After a failure there is nothing new, under neither name.
 *
 * @param file a symbolic link is replaced, never followed.
 * @param content text in UTF-8; pieces are written as they come.
 * @throws the system's error: EEXIST, ENOENT for a folder that is not there, EACCES, ENOSPC …
 */
export async function writeFileWhole(
  file: string,
  content: string | AsyncIterable<string>,
  options: WholeFileOptions = {},
): Promise<void> {
  await makeFileWhole(file, async (beside) => writeFile(beside, content), options)
}

/**
 * As `writeFileWhole`, for content that something else writes.
 *
 * @param fill writes it into this empty file, which lies beside `file`.
 */
export async function makeFileWhole(
  file: string,
  fill: (beside: string) => Promise<void>,
  { mode = 0o600, mustBeNew = false, durable = false }: WholeFileOptions = {},
): Promise<void> {
  // Looked at early too, so that nothing large is written in vain.
  if (mustBeNew) await refuseExisting(file)
  const beside = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.part`)
  try {
    await (await open(beside, 'wx', mode)).close()
    await fill(beside)
    if (durable) await sync(beside)
    if (mustBeNew) await moveToNew(beside, file)
    else await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
  if (durable) await sync(dirname(file))
}

/** A second name is refused where a file is there already, which a rename is not. */
async function moveToNew(beside: string, file: string): Promise<void> {
  try {
    await link(beside, file)
  } catch (error) {
    if (!KNOWS_NO_LINKS.has(readErrorCode(error))) throw error
    await refuseExisting(file)
    return rename(beside, file)
  }
  await rm(beside, { force: true })
}

/** FAT, some network and FUSE file systems. */
const KNOWS_NO_LINKS = new Set<string | undefined>(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

async function refuseExisting(file: string): Promise<void> {
  const found = await lstat(file).catch((error: unknown) => {
    if (readErrorCode(error) !== 'ENOENT') throw error
  })
  if (!found) return
  throw Object.assign(new Error(`EEXIST: file already exists, '${file}'`), { code: 'EEXIST', path: file })
}

/** @param path a file or a folder */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function readErrorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
