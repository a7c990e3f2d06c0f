import { openSqliteLedger } from '../ledger/sqlite/sqlite-ledger.ts'
import { definePart } from './part.ts'
import type { Surroundings } from './surroundings.ts'

/** The record of everything: opened first and closed last. */
export const ledger = definePart({
  name: 'ledger',
  async start({ config, clock, ids, logger, partHealth }: Surroundings) {
    const value = await openSqliteLedger({
      file: config.ledger.file,
      clock,
      ids,
      onNotice: (notice) => logger.warn({ notice }, 'the ledger file was open to others'),
      onRow: {
        onDamaged: (row, error) => partHealth.failed(`ledger:${row}`, error),
        onReadable: (row) => partHealth.well(`ledger:${row}`),
      },
    })
    return { value, stop: () => value.close() }
  },
})
