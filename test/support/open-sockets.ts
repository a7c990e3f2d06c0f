import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Sockets that a process has open, listening ones included. */
export function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter((name) => isSocket(join(folder, name))).length
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:')
  } catch {
    // It was closed meanwhile.
    return false
  }
}
