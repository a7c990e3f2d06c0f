import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../support/eventually.ts'

/** One folder for all servers of a run. Where a filter leaves no test of a file to be run, its hooks do not end its server. */
export default function setup(): () => Promise<void> {
  const run = mkdtempSync(join(tmpdir(), 'stint-postgres-'))
  chmodSync(run, 0o755)
  process.env.STINT_POSTGRES_RUN = run
  return async () => {
    for (const server of readdirSync(run)) {
      for (const file of ['data/postmaster.pid', 'pgbouncer.pid']) await end(join(run, server, file))
    }
    rmSync(run, { recursive: true, force: true })
  }
}

/** @param pidFile its first line is the process, which removes it as it ends */
async function end(pidFile: string): Promise<void> {
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8').split('\n')[0]) : 0
  if (pid > 0) await eventually('the end of a server', () => !isThere(pid), 10_000)
}

/** Asks it to end at once, until it has. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 'SIGINT')
    return true
  } catch {
    return false
  }
}
