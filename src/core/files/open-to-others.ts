import { type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'

const OTHERS_WRITE = 0o002
const OTHERS_READ = 0o004
const STICKY = 0o1000

/**
 * How a file stands open to every user of the machine, as a sentence that names it and the mend; undefined when it does
 * not. Access of the file's group is the operator's choice: Kubernetes gives it to all files of a volume (`fsGroup`).
 *
 * @param options.secret whether reading it is already too much.
 */
export function openToOthers(path: string, { secret = false }: { secret?: boolean } = {}): string | undefined {
  const stats = statIfPresent(path)
  if (!stats) return undefined
  if (stats.mode & OTHERS_WRITE && !isSharedSafely(stats)) {
    return `Every user on this machine may write ${path} (mode ${modeText(stats)}); run chmod o-w on it.`
  }
  if (secret && stats.isFile() && stats.mode & OTHERS_READ) {
    return `Every user on this machine may read ${path}, which holds a secret (mode ${modeText(stats)}); run chmod o-r on it.`
  }
  const folder = statIfPresent(dirname(path))
  if (!folder || !(folder.mode & OTHERS_WRITE) || isSharedSafely(folder)) return undefined
  return `Every user on this machine may replace ${path}, since its folder is writable (mode ${modeText(folder)}); run chmod o-w on the folder.`
}

/** In a folder with the sticky bit, such as /tmp, nobody can replace the files of another user. */
function isSharedSafely(stats: Stats): boolean {
  return stats.isDirectory() && (stats.mode & STICKY) !== 0
}

/** Links are followed: what counts is the file that is read. A file that is not there is another check's to tell. */
function statIfPresent(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function modeText({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
