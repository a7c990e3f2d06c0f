import { systemClock } from '../../../src/core/clock.ts'
import { randomIds } from '../../../src/core/ids.ts'
import type { Ledger } from '../../../src/ledger/ledger.ts'
import { SqliteDatabase } from '../../../src/ledger/sqlite/database/sqlite-database.ts'
import { openSqliteLedger } from '../../../src/ledger/sqlite/sqlite-ledger.ts'
import { BenchGrants } from '../bench-grants.ts'
import { loadMethods, type Work } from '../load.ts'
import { serveRole, usage } from '../pinned-process.ts'
import { percentile } from '../statistics.ts'

const TTL_MS = 3_600_000
/** Writes of one commit while a ledger is filled. */
const FILL_BATCH = 4_000
const PAGE = 200

/** The ledger alone: filled, put under load, and read for how late grants ended. */
export async function runLedger(): Promise<void> {
  const grants = new BenchGrants()
  serveRole({
    ...loadMethods(({ file }: { file: string }) => commits(grants, file)),
    fill: async ({ file, count, deadline }: { file: string; count: number; deadline: number }) => {
      const ledger = await openLedger(file, FILL_BATCH)
      await fill(grants, ledger, count, new Date(deadline))
      await ledger.close()
    },
    active: async ({ file }: { file: string }) => countActiveGrants(file),
    live: async ({ file }: { file: string }) => countLiveGrants(file),
    lateness: async ({ file, deadline }: { file: string; deadline: number }) => {
      const ledger = await openLedger(file)
      const late = await lateness(ledger, deadline)
      await ledger.close()
      return late
    },
    usage,
  })
}

function openLedger(file: string, maxBatch?: number): Promise<Ledger> {
  const groupCommit = maxBatch === undefined ? {} : { groupCommit: { maxBatch } }
  return openSqliteLedger({ file, clock: systemClock, ids: randomIds, ...groupCommit })
}

/** A grant opened and its lease issued: the two durable writes of every request. */
function commits(grants: BenchGrants, file: string): Work {
  const opened = openLedger(file)
  const once = async () => {
    const ledger = await opened
    const now = systemClock.now()
    const grant = grants.open(now, new Date(now.getTime() + TTL_MS))
    await ledger.openGrant(grant)
    await ledger.settleLease(grants.issued(grant, now))
  }
  return { once, close: () => void opened.then((ledger) => ledger.close()) }
}

async function fill(grants: BenchGrants, ledger: Ledger, count: number, deadline: Date): Promise<void> {
  for (let left = count; left > 0; left -= FILL_BATCH) {
    const now = systemClock.now()
    const batch = Array.from({ length: Math.min(left, FILL_BATCH) }, () => grants.open(now, deadline))
    await Promise.all(batch.map((grant) => ledger.openGrant(grant)))
    await Promise.all(batch.map((grant) => ledger.settleLease(grants.issued(grant, now))))
  }
}

/** Beside the broker that has the file open. */
function countLiveGrants(file: string): number {
  const db = new SqliteDatabase(file, { readOnly: true })
  const row = db.get<{ live: number }>('SELECT count(*) AS live FROM grants WHERE ended_at IS NULL')
  db.close()
  return Number(row?.live)
}

/** Beside the broker that has the file open. */
function countActiveGrants(file: string): number {
  const db = new SqliteDatabase(file, { readOnly: true })
  const row = db.get<{ count: number }>("SELECT count(*) AS count FROM grants WHERE state = 'active'")
  db.close()
  return Number(row?.count)
}

/** How long after its deadline each grant ended by its own record; what never ended counts as endless. */
async function lateness(ledger: Ledger, deadline: number) {
  const late: number[] = []
  let cursor: string | undefined
  do {
    const page = await ledger.listGrants({}, { limit: PAGE, ...(cursor ? { cursor } : {}) })
    for (const { endedAt } of page.items) late.push(endedAt ? endedAt.getTime() - deadline : Number.POSITIVE_INFINITY)
    cursor = page.nextCursor
  } while (cursor)
  return {
    grants: late.length,
    ended: late.filter(Number.isFinite).length,
    p50Ms: percentile(late, 0.5),
    p99Ms: percentile(late, 0.99),
  }
}
