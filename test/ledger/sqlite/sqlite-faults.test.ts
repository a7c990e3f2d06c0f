import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { idBody, randomIds } from '../../../src/core/ids.ts'
import { verifyAuditFile } from '../../../src/ledger/audit-verify.ts'
import type { Ledger } from '../../../src/ledger/ledger.ts'
import type { Grant } from '../../../src/ledger/records.ts'
import { APPLICATION_ID, SqliteDatabase } from '../../../src/ledger/sqlite/database/sqlite-database.ts'
import { MIGRATIONS, runMigrations } from '../../../src/ledger/sqlite/migrations/run-migrations.ts'
import { openSqliteLedger } from '../../../src/ledger/sqlite/sqlite-ledger.ts'
import { recordOf } from '../../support/audit-record.ts'
import { sampleEvent, sampleOpen } from '../../support/ledger-records.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const CHILD = new URL('../../support/ledger-child.ts', import.meta.url).pathname

let folder: string
let file: string
const clock = new ManualClock()
const opened: Ledger[] = []
const children: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-faults-'))
  file = join(folder, 'stint.db')
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const ledger of opened.splice(0)) await ledger.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The statements that take away what the steps from this version on have added. */
function undoSteps(from: number): string {
  const texts = MIGRATIONS.filter(({ version }) => version >= from).map((step) => ('sql' in step ? step.sql : ''))
  const added = [...texts.join('').matchAll(/CREATE (TABLE|INDEX) (\w+)|ALTER TABLE (\w+) ADD COLUMN (\w+)/g)]
  return added
    .reverse()
    .map(([, kind, name, table, column]) =>
      kind ? `DROP ${kind} ${name};` : `ALTER TABLE ${table} DROP COLUMN ${column};`,
    )
    .join('\n')
}

async function open(path = file): Promise<Ledger> {
  const ledger = await openSqliteLedger({ file: path, clock, ids: randomIds })
  opened.push(ledger)
  return ledger
}

function start(how: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CHILD, file, how], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  const ended = Promise.all([once(child, 'exit'), once(reader, 'close')]).then(() => lines)
  /** Resolves when the child has printed this many lines. */
  const printed = async (count: number) => {
    while (lines.length < count) await once(reader, 'line')
  }
  return { child, ended, printed }
}

function change(sql: string, path = file): void {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  db.exec(sql)
  db.close()
}

describe('killed at any moment', () => {
  test('a ledger has every grant that it acknowledged, and a whole chain', async () => {
    const acknowledged: string[] = []
    for (const after of [1, 40, 90, 170]) {
      const { child, ended, printed } = start('write')
      await printed(1 + after)
      child.kill('SIGKILL')
      acknowledged.push(...(await ended).slice(1))
    }
    expect(acknowledged.length).toBeGreaterThan(300)
    const ledger = await open()
    for (const id of acknowledged) expect(await ledger.getGrant(id)).toBeDefined()
    expect(await verifyAuditFile(file)).toMatchObject({ verdict: 'unwitnessed', chains: 4 })
    const counted = await ledger.countGrants()
    expect(counted.active).toBeGreaterThanOrEqual(acknowledged.length)
    expect(await recordOf(ledger)).toHaveLength(counted.active * 2)
  })

  test('before the commit, nothing is there; after it, everything, though nobody was told', async () => {
    for (const { point, grants } of [
      { point: 'ledger.before_commit', grants: 0 },
      { point: 'ledger.after_commit', grants: 1 },
    ]) {
      expect(await start('once', { STINT_FAILPOINT: point }).ended).toEqual(['ready'])
      const ledger = await open()
      expect((await ledger.countGrants()).active).toBe(grants)
      expect(await recordOf(ledger)).toHaveLength(grants * 2)
      await ledger.close()
    }
  })

  test('in the middle of a migration, the next start completes it', async () => {
    expect(await start('once', { STINT_FAILPOINT: 'ledger.migrating' }).ended).toEqual([])
    const [ready] = await start('once').ended
    expect(ready).toBe('ready')
    expect((await (await open()).countGrants()).active).toBe(1)
  })
})

describe('one process at a time', () => {
  test('a second opening in this process is refused, and the first goes on', async () => {
    const ledger = await open()
    await expect(open()).rejects.toMatchObject({ code: 'LEDGER_LOCKED' })
    await expect(open()).rejects.toMatchObject({ code: 'LEDGER_LOCKED' })
    expect(await start('once').ended).toEqual(['LEDGER_LOCKED'])
    await ledger.appendEvents([sampleEvent(clock.now())])
  })

  test('another process is refused until this one lets go', async () => {
    const ledger = await open()
    expect(await start('once').ended).toEqual(['LEDGER_LOCKED'])
    await verifyAuditFile(file)
    expect(await start('once').ended).toEqual(['LEDGER_LOCKED'])
    await ledger.close()
    expect((await start('once').ended)[0]).toBe('ready')
  })

  test('a holder that is killed has let go', async () => {
    const { child, ended, printed } = start('open')
    await printed(1)
    await expect(open()).rejects.toMatchObject({ code: 'LEDGER_LOCKED' })
    child.kill('SIGKILL')
    await ended
    await open()
  })

  test('a symbolic link to its folder is the same ledger', async () => {
    await open()
    symlinkSync(folder, join(folder, 'again'))
    await expect(open(join(folder, 'again', 'stint.db'))).rejects.toMatchObject({ code: 'LEDGER_LOCKED' })
  })

  test('a file with a second hard link is refused', async () => {
    await (await open()).close()
    linkSync(file, join(folder, 'hard.db'))
    await expect(open(join(folder, 'hard.db'))).rejects.toMatchObject({ code: 'LEDGER_LOCKED' })
    await expect(open()).rejects.toMatchObject({ code: 'LEDGER_LOCKED' })
  })

  for (const { name, target } of [
    { name: 'a ledger', target: 'stint.db' },
    { name: 'nothing', target: 'absent.db' },
  ]) {
    test(`a symbolic link to ${name} is refused, and says what to name instead`, async () => {
      await (await open()).close()
      symlinkSync(join(folder, target), join(folder, 'link.db'))
      await expect(open(join(folder, 'link.db'))).rejects.toMatchObject({
        code: 'LEDGER_UNAVAILABLE',
        details: { explanation: expect.stringContaining(join(folder, target)) },
      })
    })
  }

  // ssh treats its keys so: what others may read or write is not used as if nothing were wrong.
  for (const mode of [0o666, 0o644, 0o660]) {
    test(`files with mode ${mode.toString(8)} are closed to others, with a word`, async () => {
      await (await open()).close()
      chmodSync(file, mode)
      chmodSync(`${file}.lock`, mode)
      const notices: string[] = []
      const onNotice = (notice: string) => notices.push(notice)
      const ledger = await openSqliteLedger({ file, clock, ids: randomIds, onNotice })
      opened.push(ledger)
      await ledger.appendEvents([sampleEvent(clock.now())])
      for (const path of [file, `${file}-wal`, `${file}.lock`]) expect(statSync(path).mode & 0o777).toBe(0o600)
      expect(notices).toEqual([expect.stringContaining(file), expect.stringContaining(`${file}.lock`)])
    })
  }

  test('a folder in which every user may replace the files is told', async () => {
    chmodSync(folder, 0o777)
    const notices: string[] = []
    opened.push(await openSqliteLedger({ file, clock, ids: randomIds, onNotice: (notice) => notices.push(notice) }))
    expect(notices).toEqual([expect.stringContaining('may replace')])
  })

  test('the files are for their owner alone', async () => {
    await (await open()).appendEvents([sampleEvent(clock.now())])
    for (const path of [file, `${file}-wal`, `${file}.lock`]) expect(statSync(path).mode & 0o777).toBe(0o600)
  })
})

describe('a store that fails', () => {
  test('refuses the batch and every write after it, goes on reading, and recovers by opening again', async () => {
    const ledger = await openSqliteLedger({ file, clock, ids: randomIds, maxBytes: 400_000 })
    opened.push(ledger)
    const kept = await ledger.openGrant(sampleOpen(randomIds, clock.now()))
    // SQLite answers SQLITE_FULL, as on a full disk, in the first of two units that share a commit.
    const filled = ledger.appendEvents([sampleEvent(clock.now(), { data: { fill: 'x'.repeat(500_000) } })])
    const answers = await Promise.allSettled([filled, ledger.appendEvents([sampleEvent(clock.now())])])
    for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'LEDGER_UNAVAILABLE' } })
    const more = ledger.appendEvents([sampleEvent(clock.now())])
    await expect(more).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE', details: { poisoned: true } })
    expect(await ledger.getGrant(kept.grant.id)).toEqual(kept.grant)
    expect(await recordOf(ledger)).toHaveLength(2)
    await ledger.close()
    const again = await open()
    await again.appendEvents([sampleEvent(clock.now())])
    expect(await verifyAuditFile(file)).toMatchObject({ verdict: 'unwitnessed', events: 5, chains: 2 })
  })
})

describe('a damaged ledger', () => {
  const damaged = async (sql: string) => {
    const ledger = await open()
    for (let made = 0; made < 3; made++) await ledger.openGrant(sampleOpen(randomIds, clock.now()))
    await ledger.close()
    change(sql)
    return open()
  }

  for (const { name, sql, problem } of [
    { name: 'an edited event', sql: 'UPDATE events SET at = at + 1 WHERE seq = 5', problem: 'edited' },
    { name: 'a deleted event', sql: 'DELETE FROM events WHERE seq = 4', problem: 'missing' },
    { name: 'a truncated log', sql: 'DELETE FROM events WHERE seq > 4', problem: 'truncated' },
    {
      name: 'a head turned back',
      sql: 'UPDATE chains SET seq = 4, hash = (SELECT hash FROM events WHERE seq = 4)',
      problem: 'edited',
    },
    { name: 'no chain', sql: 'DELETE FROM chains', problem: 'unreadable' },
    { name: 'no event', sql: 'DELETE FROM events', problem: 'truncated' },
    { name: 'a chain of another log', sql: 'UPDATE chains SET hash = zeroblob(32)', problem: 'forked' },
  ]) {
    test(`is not opened with ${name}`, () =>
      expect(damaged(sql)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT', details: { problem } }))
  }

  for (const { name, code, make } of [
    { name: 'no database', code: 'LEDGER_CORRUPT', make: () => writeFileSync(file, 'no database at all'.repeat(100)) },
    { name: 'the database of another program', code: 'LEDGER_CORRUPT', make: () => change('CREATE TABLE t (a)') },
    {
      name: 'in a folder that is not there',
      code: 'LEDGER_UNAVAILABLE',
      make: () => rmSync(folder, { recursive: true }),
    },
  ]) {
    test(`is not opened when it is ${name}`, async () => {
      make()
      await expect(open()).rejects.toMatchObject({ code })
      // Nothing is left locked by the attempt.
      await expect(open()).rejects.toMatchObject({ code })
    })
  }

  test('whose write-ahead log was cut in the middle opens with whole commits only', async () => {
    const ledger = await open()
    for (let made = 0; made < 6; made++) await ledger.openGrant(sampleOpen(randomIds, clock.now()))
    const torn = join(folder, 'torn.db')
    copyFileSync(file, torn)
    copyFileSync(`${file}-wal`, `${torn}-wal`)
    truncateSync(`${torn}-wal`, statSync(`${torn}-wal`).size - 6_000)
    const copy = await open(torn)
    const { active } = await copy.countGrants()
    expect(active).toBeLessThan(6)
    expect(await recordOf(copy)).toHaveLength(active * 2)
    const { heads } = await ledger.auditHeads()
    expect(await verifyAuditFile(torn, heads)).toMatchObject({ problem: { kind: 'truncated' } })
  })
})

describe('migrations', () => {
  const known = MIGRATIONS.length
  const next = { version: known + 1, name: 'next', sql: 'CREATE TABLE added (a INTEGER) STRICT', readableBy: 1 }

  async function migrated(more: object): Promise<void> {
    await (await open()).close()
    const db = new SqliteDatabase(file)
    runMigrations(db, { now: clock.now(), migrations: [...MIGRATIONS, { ...next, ...more }] })
    db.close()
  }

  test('of a newer release that this one can live with are no hindrance', async () => {
    await migrated({})
    await (await open()).appendEvents([sampleEvent(clock.now())])
  })

  test('of a newer release that this one cannot live with are refused', async () => {
    await migrated({ readableBy: known + 1 })
    const details = { found: known + 1, known }
    await expect(open()).rejects.toMatchObject({ code: 'LEDGER_VERSION_UNSUPPORTED', details })
  })

  test('leave a file from before its own page size, and a new file has small pages', async () => {
    const pageBytes = (path: string) => {
      const db = new SqliteDatabase(path, { readOnly: true })
      const { page_size: bytes } = db.get<{ page_size: number }>('PRAGMA page_size') ?? {}
      db.close()
      return bytes
    }
    const before = new SqliteDatabase(file)
    before.exec(`PRAGMA page_size = 4096; PRAGMA application_id = ${APPLICATION_ID}`)
    runMigrations(before, { now: clock.now(), migrations: MIGRATIONS.slice(0, 13) })
    before.close()
    const ledger = await open()
    const { grant } = await ledger.openGrant(sampleOpen(randomIds, clock.now()))
    expect(await ledger.getGrant(grant.id)).toEqual(grant)
    expect(pageBytes(file)).toBe(4_096)
    const fresh = join(folder, 'fresh.db')
    await open(fresh)
    expect(pageBytes(fresh)).toBe(2_048)
  })

  test('that are not the ones we know are refused', async () => {
    await (await open()).close()
    change("UPDATE migrations SET checksum = 'other'")
    await expect(open()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
  })

  test('keep a token that was spent before owners were on record, and the release before can go on', async () => {
    const before = new SqliteDatabase(file)
    before.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    runMigrations(before, { now: clock.now(), migrations: MIGRATIONS.slice(0, 1) })
    const spend = (db: SqliteDatabase, key: string) =>
      db.run('INSERT INTO tokens (key, until) VALUES (?, ?)', key, clock.now().getTime() + 1_000)
    for (const key of ['once', 'often']) spend(before, key)
    before.close()
    const ledger = await open()
    const use = { until: clock.now(), by: 'request', connectionId: 'con_1', at: clock.now() } as const
    const caller = { subject: 'spiffe://example.org/agent', evidence: {} }
    const mint = (key: string, reuse: 'connection' | 'never') =>
      ledger.openGrant({ ...sampleOpen(randomIds, clock.now()), token: { ...use, key, reuse, caller } })
    await expect(mint('once', 'never')).rejects.toMatchObject({ code: 'TOKEN_REPLAYED', details: { check: 'spent' } })
    expect(await mint('often', 'connection')).toMatchObject({ kind: 'created' })
    await ledger.close()
    const after = new SqliteDatabase(file)
    spend(after, 'new')
    after.close()
  })

  test('keep the session names of leases from before names were on record', async () => {
    const before = await open()
    const { grant } = (await before.openGrant(sampleOpen(randomIds, clock.now()))) as { grant: Grant }
    await before.close()
    change('UPDATE leases SET session_name = NULL')
    const [lease] = await (await open()).listLeases(grant.id)
    expect(lease?.sessionName).toBe(`${idBody(grant.id)}.1`)
  })

  test('keep the deny list of a release that called it a deny target, and the leases that it ended', async () => {
    const before = await open()
    const { grant } = (await before.openGrant(sampleOpen(randomIds, clock.now()))) as { grant: Grant }
    const deny = { listKey: 'inline:x', wantedAt: clock.now(), until: clock.now(), lastIssuedAt: clock.now() }
    const to = { state: 'ended', reason: 'revoked', dueAt: null } as const
    const endLeases = { end: 'cut', endedAt: clock.now() } as const
    await before.moveGrant({ grantId: grant.id, expectedVersion: 1, to, deny, endLeases, events: [] })
    await before.close()
    change(`ALTER TABLE leases ADD COLUMN end_kind TEXT CHECK (end_kind IN ('expired', 'not_minted', 'denied'));
      UPDATE leases SET end_kind = 'denied' WHERE ended_by = 'cut';
      ALTER TABLE leases DROP COLUMN ended_by;
      ALTER TABLE deny_lists RENAME TO deny_targets;
      ALTER TABLE deny_targets RENAME COLUMN list_key TO target;
      ALTER TABLE deny_entries RENAME COLUMN list_n TO target_n;
      DROP INDEX deny_lists_due;
      CREATE INDEX deny_targets_due ON deny_targets (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
      DROP INDEX deny_entries_by_list;
      DROP INDEX deny_entries_unwritten;
      CREATE INDEX deny_entries_by_target ON deny_entries (target_n, wanted_at);
      ALTER TABLE deny_entries DROP COLUMN names_agent;
      ALTER TABLE deny_entries DROP COLUMN chains;
      ALTER TABLE deny_entries DROP COLUMN urgent;
      ALTER TABLE deny_entries DROP COLUMN by_watermark;
      ALTER TABLE deny_entries DROP COLUMN enforced_by;
      DROP TABLE deny_agents;
      DROP TABLE ledger_identity;
      DROP TABLE ledger_openings;
      ALTER TABLE deny_targets DROP COLUMN opened_version;
      ALTER TABLE deny_targets DROP COLUMN written_digest;
      ALTER TABLE deny_targets DROP COLUMN written_sequence;
      ALTER TABLE deny_targets DROP COLUMN failing_since;
      ALTER TABLE deny_targets DROP COLUMN documents;
      ALTER TABLE deny_targets DROP COLUMN cut;
      DROP TABLE quarantines;
      ${undoSteps(15)}
      DELETE FROM migrations WHERE version >= 7`)
    const after = await open()
    expect(await after.listLeases(grant.id)).toMatchObject([{ state: 'ended', end: 'cut' }])
    expect(await after.findDenyEntry(grant.id)).toMatchObject({ listKey: 'inline:x' })
    expect(await after.listDenyLists()).toMatchObject([{ key: 'inline:x' }])
  })

  test('that fail leave nothing behind', async () => {
    await expect(migrated({ sql: `${next.sql}; CREATE TABLE names (a)` })).rejects.toThrow()
    const db = new DatabaseSync(file)
    expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'added'").all()).toEqual([])
    db.close()
  })
})
