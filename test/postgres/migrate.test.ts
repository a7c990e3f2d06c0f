import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { PgConnection } from '../../src/ledger/postgres/database/pg-connection.ts'
import type { PgServer } from '../../src/ledger/postgres/database/pg-server.ts'
import { MIGRATIONS, runMigrations } from '../../src/ledger/postgres/migrations/run-migrations.ts'
import { openPostgresLedger } from '../../src/ledger/postgres/postgres-ledger.ts'
import { prepareFrame } from '../../src/ledger/postgres/server-frame.ts'
import type { Migration, RowStep } from '../../src/ledger/schema/migration.ts'
import type { MigrationProgress } from '../../src/ledger/schema/schema-state.ts'
import { stint } from '../support/cli.ts'
import { sampleOpen } from '../support/ledger-records.ts'
import { PASSWORD, PostgresServer } from './postgres-server.ts'
import { query, type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

const KNOWN = MIGRATIONS.length
const expand: Migration = {
  version: KNOWN + 1,
  name: 'expand',
  readableBy: KNOWN,
  sql: 'ALTER TABLE grants ADD COLUMN made_up text; CREATE INDEX grants_by_made_up ON grants (made_up)',
}
const contract: Migration = {
  version: KNOWN + 2,
  name: 'contract',
  readableBy: KNOWN + 1,
  sql: 'ALTER TABLE grants DROP COLUMN team',
}

const sql = (text: string) => query(server.address(), 'public', text)

let tmp: TmpPostgresLedger
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address())
})
afterEach(() => tmp.dispose())

async function migrate(
  migrations: readonly Migration[],
  more: { onProgress?: (progress: MigrationProgress) => void; server?: PgServer } = {},
): Promise<void> {
  const { server: address = server.address({ lockWithinMs: 100 }), onProgress } = more
  const connection = await PgConnection.open(address)
  try {
    const frame = await prepareFrame(connection, address, tmp.schema)
    await runMigrations(connection, frame, { schema: tmp.schema, now: new Date(), migrations, onProgress })
  } finally {
    await connection.close()
  }
}

const ask = () => tmp.ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))

describe('a step', () => {
  test('that a running broker can live with is made beside it, while it writes and reads', async () => {
    const isMigrated = new AbortController()
    const asking = (async () => {
      let asked = 0
      for (; !isMigrated.signal.aborted || asked < 20; asked++) {
        const { grant } = await ask()
        expect(await tmp.ledger.getGrant(grant.id)).toMatchObject({ state: 'active' })
      }
      return asked
    })()
    await ask()
    await migrate([...MIGRATIONS, expand]).finally(() => isMigrated.abort())
    expect(await asking).toBeGreaterThanOrEqual(20)
    // The rollback: a broker of the version before opens what the newer one has left.
    await tmp.reopen()
    await ask()
  })

  test('waits for a transaction that holds a table, for a while, and lets the others pass meanwhile', async () => {
    await ask()
    const holder = await PgConnection.open(server.address())
    await holder.round([{ text: `BEGIN; SELECT * FROM "${tmp.schema}".grants` }])
    const told: MigrationProgress[] = []
    const migrating = migrate([...MIGRATIONS, expand], { onProgress: (progress) => told.push(progress) })
    await expect.poll(() => told.length).toBeGreaterThan(1)
    await ask()
    await holder.close()
    await migrating
    expect(told.at(-1)).toMatchObject({ step: { version: KNOWN + 1 }, isDone: true })
  })

  test('that a running broker cannot live with is refused while one runs, and made when none does', async () => {
    await migrate([...MIGRATIONS, expand])
    const migrating = migrate([...MIGRATIONS, expand, { ...contract, readableBy: KNOWN + 2 }])
    await expect(migrating).rejects.toMatchObject({
      code: 'LEDGER_LOCKED',
      message: expect.stringMatching(
        /A broker \(rpl_.*cannot live with step .*contract.*knows schema version \d+ only.*Stop every broker/,
      ),
    })
    await ask()
    await tmp.ledger.close()
    await migrate([...MIGRATIONS, expand, { ...contract, readableBy: KNOWN + 2 }])
    await expect(tmp.reopen()).rejects.toMatchObject({ code: 'LEDGER_VERSION_UNSUPPORTED' })
  })

  test('that a silent broker could not live with fences it off, so that nothing it still sends has an effect', async () => {
    await tmp.ledger.close()
    await tmp.sql(`INSERT INTO replicas (id, opened_at, seen_at)
      SELECT 'rpl_silent', now(), clock_timestamp() - interval '1 minute'`)
    await migrate([...MIGRATIONS, { ...expand, readableBy: KNOWN + 1 }])
    const text = `SELECT fence, closed_at IS NOT NULL AS closed FROM replicas WHERE id = 'rpl_silent'`
    expect(await tmp.sql(text)).toEqual([{ fence: '1', closed: true }])
  })

  test('that only an older broker than the ones found could not live with waits for that one', async () => {
    const next = { ...expand, readableBy: KNOWN }
    await tmp.sql('UPDATE replicas SET knows = NULL WHERE closed_at IS NULL')
    await expect(migrate([...MIGRATIONS, next])).rejects.toMatchObject({
      code: 'LEDGER_LOCKED',
      message: expect.stringContaining('knows schema version 1 only'),
    })
    await tmp.sql(`UPDATE replicas SET knows = ${KNOWN} WHERE closed_at IS NULL`)
    await migrate([...MIGRATIONS, next])
    await ask()
  })

  test('over many rows goes in parts, and on with the rest after it broke off', async () => {
    const fill: RowStep = {
      version: KNOWN + 2,
      name: 'fill',
      readableBy: KNOWN,
      rows: {
        remaining: 'SELECT count(*) AS count FROM grants WHERE made_up IS NULL',
        change: `UPDATE grants SET made_up = id WHERE id IN (SELECT id FROM grants WHERE made_up IS NULL LIMIT 10)`,
      },
    }
    await Promise.all(Array.from({ length: 25 }, ask))
    let parts = 0
    const breakOff = ({ rows }: MigrationProgress) => {
      if (rows) parts += 1
      if (parts === 2) throw new Error('killed')
    }
    await expect(migrate([...MIGRATIONS, expand, fill], { onProgress: breakOff })).rejects.toThrow('killed')
    const rows: object[] = []
    await migrate([...MIGRATIONS, expand, fill], {
      onProgress: (progress) => progress.rows && rows.push(progress.rows),
    })
    expect(rows).toEqual([
      { done: 0, total: 15 },
      { done: 10, total: 15 },
      { done: 15, total: 15 },
    ])
    expect(await tmp.sql('SELECT count(*)::integer AS n FROM grants WHERE made_up = id')).toEqual([{ n: 25 }])
    expect(await tmp.sql('SELECT max(version) AS version FROM migrations')).toEqual([{ version: KNOWN + 2 }])
  })
})

describe('stint migrate', () => {
  let folder: string
  let config: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
    writeFileSync(join(folder, 'broker-password'), 'app\n', { mode: 0o600 })
    writeFileSync(join(folder, 'owner-password'), `${PASSWORD}\n`, { mode: 0o600 })
    config = join(folder, 'stint.yaml')
    await sql(`CREATE ROLE app LOGIN PASSWORD 'app'`)
    await configure('made')
  })
  afterEach(async () => {
    await sql('DROP SCHEMA IF EXISTS made CASCADE; DROP OWNED BY app; DROP ROLE app')
    rmSync(folder, { recursive: true, force: true })
  })

  async function configure(schema: string): Promise<void> {
    const postgres = { host: '127.0.0.1', port: server.port, database: 'postgres', user: 'app', schema }
    const text = stringify({
      identity: {
        server: { certificateFile: 'server.pem', privateKeyFile: 'server.key' },
        domains: { 'example.org': { file: 'bundle.json' } },
      },
      registry: { file: 'agents.yaml' },
      policy: { directory: 'policies' },
      roles: [{ arn: 'arn:aws:iam::123456789012:role/stint/data', revocation: { kind: 'none' } }],
      aws: { region: 'eu-central-1' },
      ledger: { postgres: { ...postgres, passwordFile: 'broker-password' }, migrate: 'never' },
    })
    writeFileSync(config, text)
  }

  const asOwner = () => ['--user', 'stint', '--password-file', join(folder, 'owner-password')]
  const run = (...argv: string[]) => stint(['migrate', ...argv, '--config', config])
  const open = (migrate: 'start' | 'never') =>
    openPostgresLedger({
      server: server.address({ user: 'app', password: async () => 'app' }),
      schema: 'made',
      migrate,
      clock: tmp.clock,
      ids: tmp.ids,
      maxConnections: 2,
    })

  test('up as the owner makes the ledger and gives the broker what it needs; it may be repeated', async () => {
    for (const how of ['start', 'never'] as const)
      await expect(open(how)).rejects.toMatchObject({ code: 'LEDGER_MIGRATION_NEEDED' })
    expect(await run('plan')).toMatchObject({ exitCode: 6, stdout: expect.stringContaining('none yet') })
    expect(await run('up')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LEDGER_MIGRATION_NEEDED') })
    const made = await run('up', ...asOwner())
    const steps = `${KNOWN} ${KNOWN === 1 ? 'step' : 'steps'}`
    expect(made).toMatchObject({ exitCode: 0, stdout: `migrated: schema version 0 -> ${KNOWN}, ${steps}\n` })
    expect(await run('up', ...asOwner())).toEqual({
      exitCode: 0,
      stdout: `up to date: schema version ${KNOWN}\n`,
      stderr: '',
    })
    const ledger = await open('never')
    await ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))
    const planned = await run('plan')
    expect(planned).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/In use by: +broker rpl_/) })
    await ledger.close()
    const address = server.address({ user: 'app', password: async () => 'app' })
    for (const text of ['UPDATE made.events SET seq = 9', 'DELETE FROM made.events', 'DELETE FROM made.migrations']) {
      const connection = await PgConnection.open(address)
      await expect(connection.round([{ text }])).rejects.toMatchObject({ code: '42501' })
      await connection.close()
    }
  })

  test('up for a broker whose database user is not there says so', async () => {
    writeFileSync(config, readFileSync(config, 'utf8').replace('user: app', 'user: nobody'))
    expect(await run('up', ...asOwner())).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has no user nobody'),
    })
  })
})
