import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One folder for all servers of a run. Where a filter leaves no test of a file to be run, its hooks do not end its server. */
export default function setup(): () => void {
  const run = mkdtempSync(join(tmpdir(), 'stint-postgres-'))
  chmodSync(run, 0o755)
  process.env.STINT_POSTGRES_RUN = run
  return () => {
    for (const server of readdirSync(run)) {
      for (const file of ['data/postmaster.pid', 'pgbouncer.pid']) end(join(run, server, file))
    }
    // A server that ends now may still write.
    rmSync(run, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

/** @param pidFile its first line is the process; for a server, SIGQUIT is a crash. */
function end(pidFile: string): void {
  try {
    process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGQUIT')
  } catch {
    // It has ended.
  }
}
