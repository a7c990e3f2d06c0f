import { openSqliteLedger } from '../ledger/sqlite/sqlite-ledger.ts'
import { gatherFiles, gatherRecords } from '../metrics/gather-ledger.ts'
import { meterLedger } from '../metrics/meter-ledger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { definePart } from './part.ts'
import type { Surroundings } from './surroundings.ts'

interface Needs extends Surroundings {
  readonly metrics: Metrics | undefined
}

/** The record of everything: opened first and closed last. */
export const ledger = definePart({
  name: 'ledger',
  async start({ config, clock, ids, logger, partHealth, metrics }: Needs) {
    const opened = await openSqliteLedger({
      file: config.ledger.file,
      clock,
      ids,
      ...(metrics && { groupCommit: { onCommit: (commit) => metrics.committed(commit) } }),
      onNotice: (notice) => logger.warn({ notice }, 'the ledger file was open to others'),
      onRow: {
        onDamaged: (row, error) => partHealth.failed(`ledger:${row}`, error),
        onReadable: (row) => partHealth.well(`ledger:${row}`),
      },
    })
    const value = metrics ? meterLedger(opened, metrics) : opened
    metrics?.onScrape(async (gauges) => {
      await gatherRecords(opened, clock.now(), gauges)
      await gatherFiles(config.ledger.file, gauges)
    })
    return { value, stop: () => value.close() }
  },
})
