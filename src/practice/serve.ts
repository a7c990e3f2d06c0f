import { randomBytes } from 'node:crypto'
import { startPracticeCloud } from './cloud.ts'

/**
 * Runs a practice cloud as a process of its own, so that it outlives a broker that is killed. Prints one JSON line
 * `{endpoint, region, accountId, controlToken, pid}` when it listens; ends on SIGTERM, SIGINT, or when the standard
 * input it was given ends, so that it does not outlive its parent.
 *
 * Options come as one JSON object in the first argument, e.g. `{"port": 0, "propagationDelayMs": 0}`.
 */
async function main(): Promise<void> {
  const { port, accountId, region, propagationDelayMs, maxSessions, verifySignatures } = JSON.parse(
    process.argv[2] ?? '{}',
  )
  const controlToken = randomBytes(24).toString('base64url')
  const given = { port, accountId, region, propagationDelayMs, maxSessions, verifySignatures }
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const cloud = await startPracticeCloud({ ...options, controlToken })
  const stop = () => {
    void cloud.close().then(() => process.exit(0))
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  process.stdin.once('end', stop).once('error', stop).resume()
  const { endpoint } = cloud
  process.stdout.write(
    `${JSON.stringify({ endpoint, region: cloud.region, accountId: cloud.accountId, controlToken, pid: process.pid })}\n`,
  )
}

main().catch((error: unknown) => {
  process.stderr.write(
    `The practice cloud did not start: ${error instanceof Error ? error.message : 'unknown error'}\n`,
  )
  process.exitCode = 1
})
