import { loadConfig } from '../../../src/config/load.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/log.ts'
import { keepHeapSmall } from '../../../src/core/process/heap.ts'
import { type Broker, startBroker } from '../../../src/start/main.ts'
import { VERSION } from '../../../src/version.ts'
import { serveRole, usage } from '../pinned-process.ts'

/** The broker as `stint serve` runs it. */
export async function runBroker(): Promise<void> {
  let broker: Broker | undefined
  serveRole(
    {
      start: async ({ configFile }: { configFile: string }) => {
        const config = loadConfig({ file: configFile, env: {} })
        keepHeapSmall()
        const startedMs = performance.now()
        // The client tells of failed calls; a line for each would bury the tables.
        const logger = createLogger({ level: 'fatal' })
        broker = await startBroker(config, { clock: systemClock, logger, version: VERSION })
        return { addresses: broker.addresses, startMs: performance.now() - startedMs }
      },
      usage,
    },
    async () => broker?.stop(),
  )
}
