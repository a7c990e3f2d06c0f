import { systemClock } from '../../../src/core/clock.ts'
import { StsServer } from '../../support/sts-server.ts'
import { serveRole } from '../pinned-process.ts'

const FORGET_MS = 1_000

/** The stand-in of STS; it keeps nothing, since it answers hundreds of thousands of calls. */
export async function runSts(): Promise<void> {
  const server = await StsServer.start({ clock: systemClock })
  setInterval(() => {
    server.sessions.length = 0
    server.requests.length = 0
  }, FORGET_MS).unref()
  serveRole(
    {
      endpoint: () => server.endpoint,
      setLatency: ({ ms }: { ms: number }) => {
        server.latencyMs = ms
      },
    },
    () => server.stop(),
  )
}
