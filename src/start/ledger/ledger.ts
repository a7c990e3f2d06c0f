import type { StintError } from '../../core/errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { openPostgresLedger } from '../../ledger/postgres/postgres-ledger.ts'
import { openSqliteLedger } from '../../ledger/sqlite/sqlite-ledger.ts'
import { gatherFiles, gatherRecords, gatherReplicas } from '../../metrics/gather-ledger.ts'
import { meterLedger } from '../../metrics/meter-ledger.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { definePart } from '../part.ts'
import type { NotReady } from '../readiness.ts'
import type { Surroundings } from '../surroundings.ts'
import { LedgerSpace, openWithin, type SpacedLedger, withinSpace } from './ledger-space.ts'
import { reportListening } from './listening.ts'
import { postgresServer } from './postgres-server.ts'
import { watchWrites } from './watched-writes.ts'

interface Needs extends Surroundings {
  readonly metrics: Metrics | undefined
}

/** The record of everything: opened first and closed last. */
export const ledger = definePart({
  name: 'ledger',
  async start(needs: Needs) {
    const { clock, metrics } = needs
    const { file } = needs.config.ledger
    const space = file === undefined ? undefined : new LedgerSpace(file)
    const stored = file === undefined ? await openDatabase(needs) : await openWithin(space, () => openFile(file, needs))
    const opened = space ? withinSpace(stored, space) : stored
    const value = metrics ? meterLedger(opened, metrics) : opened
    metrics?.onScrape((gauges) => gatherReplicas(opened, gauges))
    metrics?.onScrape(async (gauges) => {
      await gatherRecords(opened, clock.now(), gauges)
      if (file !== undefined) await gatherFiles(file, gauges)
    })
    // One that others may soon take for silent could not commit what it is asked for.
    const writes = watchWrites(value, needs)
    const spaced: SpacedLedger = { ...writes.ledger, ...(space && { space }) }
    return {
      value: spaced,
      stop: async () => {
        await writes.stop()
        await value.close()
      },
      notReady: () => {
        if (!value.isLive()) return file === undefined ? NOT_LIVE : NOT_WRITTEN
        return writes.notReady() ?? shortageReason(space)
      },
    }
  },
})

const NOT_LIVE: NotReady = {
  code: 'LEDGER_UNAVAILABLE',
  explanation:
    'Nothing has been committed for a while, so that another replica may soon take over what this one was working on.',
}

const NOT_WRITTEN: NotReady = {
  code: 'LEDGER_UNAVAILABLE',
  explanation: 'The ledger file has taken no commit for more than 5 seconds: look at its disk.',
}

/** Probes let calls through: ending grants is still served, and makes space. */
function shortageReason(space: LedgerSpace | undefined): NotReady | undefined {
  const error = space?.shortage
  return error && { code: error.code, explanation: error.message, takesCalls: true }
}

function openFile(file: string, needs: Needs): Promise<Ledger> {
  const { clock, ids, logger, metrics, fail } = needs
  return openSqliteLedger({
    file,
    clock,
    ids,
    migrate: needs.config.ledger.migrate,
    ...(metrics && { groupCommit: { onCommit: (commit) => metrics.committed(commit) } }),
    onNotice: (notice) => logger.warn({ notice }, 'the ledger file was open to others'),
    onRow: damagedRows(needs),
    inThread: true,
    // It takes nothing more until the file has been opened and checked again.
    onFailure: fail,
  })
}

async function openDatabase(needs: Needs): Promise<Ledger> {
  const { config, clock, ids, version, logger, metrics, partHealth, fail } = needs
  const { postgres } = config.ledger
  if (!postgres) throw new TypeError('a ledger has a file or a database')
  const server = await postgresServer(postgres)
  return openPostgresLedger({
    server,
    ...(postgres.listen && { listenAt: { ...server, ...postgres.listen, pooler: false } }),
    onListen: reportListening(needs, postgres),
    schema: postgres.schema,
    migrate: config.ledger.migrate,
    maxConnections: postgres.maxConnections,
    clock,
    ids,
    version,
    ...(metrics && {
      queue: { onCommit: (commit) => metrics.committed(commit) },
      onConflict: () => metrics.ledger.conflicts.inc(),
    }),
    onFenced: (replica) => logger.warn({ replica }, 'another broker is silent: its claims are given back'),
    onRow: damagedRows(needs),
    onStore: (error) => {
      partHealth.report('ledger', error)
      // It takes nothing more until it has been opened and checked again.
      if (error?.details.poisoned === true) fail(error)
    },
  })
}

function damagedRows({ partHealth }: Needs) {
  return {
    onDamaged: (row: string, error: StintError) => partHealth.failed(`ledger:${row}`, error),
    onReadable: (row: string) => partHealth.well(`ledger:${row}`),
  }
}
