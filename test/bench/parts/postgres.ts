import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PgConnection } from '../../../src/ledger/postgres/database/pg-connection.ts'
import { PASSWORD, PostgresServer, postgresPrograms } from '../../postgres/postgres-server.ts'
import { type BenchRun, grantLoad, type Measured, measure, type RunningBroker, startBenchBroker } from '../bench-run.ts'
import { CLIENT_CORE, PinnedProcess } from '../pinned-process.ts'
import { median, percentile } from '../statistics.ts'
import { HEADLINE } from './throughput.ts'

/** Grants of the headline's kind on one ledger. */
export interface PostgresRow {
  /** Of all brokers together. */
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the broker that made the grant. */
  readonly cpuUsEach: number
  /** Of all processes of the server, for one grant. */
  readonly databaseUsEach?: number
}

/** A ledger in PostgreSQL beside one in a file. */
export interface PostgresFindings {
  readonly sqlite: PostgresRow
  readonly one: PostgresRow
  readonly two: PostgresRow
  /** From a call at one broker until an agent that watches at the other one has its outcome. */
  readonly wakeP50Ms: number
  readonly wakeP99Ms: number
  readonly failoverMs: number
}

const SCHEMA = 'bench'
/** In jiffies, as Linux tells CPU times of processes. */
const TICKS_PER_SECOND = 100
const POLL_MS = 20
const FAILOVER_WITHIN_MS = 60_000

/** Undefined where there is no PostgreSQL on this machine. */
export async function measurePostgres(run: BenchRun): Promise<PostgresFindings | undefined> {
  if (!postgresPrograms()) {
    run.say('PostgreSQL is not installed here: nothing of it is measured')
    return undefined
  }
  const server = await PostgresServer.start()
  try {
    return await measureOn(server, run)
  } finally {
    await server.dispose()
  }
}

async function measureOn(server: PostgresServer, run: BenchRun): Promise<PostgresFindings> {
  const passwordFile = run.stage.place('database-password')
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 })
  const { host, port, database, user } = server.address()
  const ledger = { postgres: { host, port, database, user, passwordFile, schema: SCHEMA } }

  run.say('grants on SQLite, to compare with')
  const file = await startBenchBroker(run, 'beside-postgres')
  const sqlite = await measureTogether(run, [file])
  await file.process.end()

  run.say('grants on PostgreSQL, one broker')
  const first = await startBenchBroker(run, 'postgres-1', ledger)
  const one = await measureTogether(run, [first], server)
  run.say('grants on PostgreSQL, two brokers')
  const second = await startBenchBroker(run, 'postgres-2', ledger)
  const two = await measureTogether(run, [first, second], server)

  run.say(`${run.scale.watchers} changes at one broker, watched at the other`)
  const wakes = { ...grantLoad(run, first.address), other: second.address, rounds: run.scale.watchers }
  const wakesMs = await run.client.call<number[]>('wakes', wakes)

  run.say('one of the two is killed')
  const failoverMs = await measureFailover(server, first)
  await second.process.end()
  const [wakeP50Ms, wakeP99Ms] = [percentile(wakesMs, 0.5), percentile(wakesMs, 0.99)]
  return { sqlite, one, two, wakeP50Ms, wakeP99Ms, failoverMs }
}

/**
 * Each broker has a client of its own and the same number in flight. All are on one core, so their CPU times tell, and not their
 * rates.
 */
async function measureTogether(
  run: BenchRun,
  brokers: readonly RunningBroker[],
  server?: PostgresServer,
): Promise<PostgresRow> {
  const { warmMs, windowMs, windows } = run.scale
  const clients = brokers.map((_, n) =>
    n === 0 ? run.client : new PinnedProcess({ role: 'client', core: CLIENT_CORE }),
  )
  const doneBefore = await countGrants(server)
  const beforeMs = server && databaseMs(server)
  const found = await Promise.all(
    brokers.map((broker, n) =>
      measure({
        from: clients[n] as PinnedProcess,
        measured: broker.process,
        load: { ...grantLoad(run, broker.address), arrival: { inFlight: HEADLINE.inFlight } },
        ...{ warmMs, windowMs, windows },
      }),
    ),
  )
  const spentMs = server && databaseMs(server) - (beforeMs ?? 0)
  const done = (await countGrants(server)) - doneBefore
  for (const client of clients.slice(1)) await client.end()
  const each = found.map(middle)
  return {
    perSecond: each.reduce((sum, { perSecond }) => sum + perSecond, 0),
    p50Ms: Math.max(...each.map(({ p50Ms }) => p50Ms)),
    p99Ms: Math.max(...each.map(({ p99Ms }) => p99Ms)),
    cpuUsEach: each.reduce((sum, { cpuUsEach }) => sum + cpuUsEach, 0) / each.length,
    ...(spentMs !== undefined && { databaseUsEach: (spentMs * 1_000) / done }),
  }
}

function middle(windows: readonly Measured[]) {
  const of = (pick: (window: Measured) => number) => median(windows.map(pick))
  return {
    perSecond: of(({ perSecond }) => perSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    cpuUsEach: of(({ cpuMsEach }) => cpuMsEach) * 1_000,
  }
}

/** CPU time of the server and of everything that it has started. */
function databaseMs(server: PostgresServer): number {
  const postmaster = Number(readFileSync(join(server.data, 'postmaster.pid'), 'utf8').split('\n')[0])
  let ticks = 0
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(name) : undefined
    if (!stat) continue
    if (stat.pid === postmaster) ticks += stat.own + stat.children
    else if (stat.parent === postmaster) ticks += stat.own
  }
  return (ticks / TICKS_PER_SECOND) * 1_000
}

/** @see proc_pid_stat(5) */
function readStat(name: string) {
  try {
    const text = readFileSync(`/proc/${name}/stat`, 'utf8')
    // The name of a program, in parentheses, may hold spaces.
    const [, parent, , , , , , , , , , utime, stime, cutime, cstime] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    return {
      pid: Number(name),
      parent,
      own: (utime ?? 0) + (stime ?? 0),
      children: (cutime ?? 0) + (cstime ?? 0),
    }
  } catch {
    // It has ended since the folder was read.
    return undefined
  }
}

async function countGrants(server: PostgresServer | undefined): Promise<number> {
  if (!server) return 0
  return query(server, `SELECT coalesce((SELECT count(*) FROM ${SCHEMA}.grants), 0)::integer AS n`)
}

/** From the kill until no claim can be the killed replica's any more. */
async function measureFailover(server: PostgresServer, killed: RunningBroker): Promise<number> {
  const open = `SELECT count(*)::integer AS n FROM ${SCHEMA}.replicas WHERE closed_at IS NULL`
  const before = await query(server, open)
  const killedMs = performance.now()
  await killed.process.kill()
  while ((await query(server, open)) >= before) {
    if (performance.now() - killedMs > FAILOVER_WITHIN_MS) throw new Error('nobody took over from the killed broker')
    await sleep(POLL_MS)
  }
  return performance.now() - killedMs
}

async function query(server: PostgresServer, text: string): Promise<number> {
  const connection = await PgConnection.open(server.address())
  try {
    const [answer] = await connection.round([{ text }])
    return Number((answer?.rows[0] as { n: number } | undefined)?.n)
  } finally {
    await connection.close()
  }
}
