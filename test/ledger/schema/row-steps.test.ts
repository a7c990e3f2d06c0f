import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RowStep } from '../../../src/ledger/schema/migration.ts'
import type { MigrationProgress } from '../../../src/ledger/schema/schema-state.ts'
import { SqliteDatabase } from '../../../src/ledger/sqlite/database/sqlite-database.ts'
import { runMigrations } from '../../../src/ledger/sqlite/migrations/run-migrations.ts'

const NOW = new Date('2026-11-28T12:00:00Z')
const table = {
  version: 1,
  name: 'table',
  readableBy: 1,
  sql: 'CREATE TABLE parts (n INTEGER PRIMARY KEY, twice INTEGER) STRICT',
}
const fill: RowStep = {
  version: 2,
  name: 'fill',
  readableBy: 1,
  rows: {
    remaining: 'SELECT count(*) AS count FROM parts WHERE twice IS NULL',
    change: 'UPDATE parts SET twice = 2 * n WHERE n IN (SELECT n FROM parts WHERE twice IS NULL LIMIT 100)',
  },
}

let db: SqliteDatabase
beforeEach(() => {
  db = new SqliteDatabase(':memory:')
  runMigrations(db, { now: NOW, migrations: [table] })
  for (let n = 1; n <= 250; n++) db.run('INSERT INTO parts (n) VALUES (?)', n)
})
afterEach(() => db.close())

test('a step over many rows goes in parts, says how far it is, and is on record when none is left', () => {
  const told: MigrationProgress[] = []
  runMigrations(db, { now: NOW, migrations: [table, fill], onProgress: (progress) => told.push(progress) })
  expect(told.map(({ rows, isDone }) => (isDone ? 'done' : (rows?.done ?? 'begun')))).toEqual([
    'begun',
    ...[0, 100, 200, 250],
    'done',
  ])
  expect(told.flatMap(({ rows }) => rows?.total ?? []).every((total) => total === 250)).toBe(true)
  expect(db.get('SELECT count(*) AS right FROM parts WHERE twice = 2 * n')).toEqual({ right: 250 })
  expect(db.all('SELECT version FROM migrations')).toEqual([{ version: 1 }, { version: 2 }])
})

test('a step over many rows that broke off goes on with the rows that remain', () => {
  let parts = 0
  const breakOff = ({ rows }: MigrationProgress) => {
    if (!rows) return
    parts += 1
    if (parts === 2) throw new Error('killed')
  }
  const input = { now: NOW, migrations: [table, fill] }
  expect(() => runMigrations(db, { ...input, onProgress: breakOff })).toThrow('killed')
  expect(db.get('SELECT count(twice) AS done FROM parts')).toEqual({ done: 100 })
  expect(db.all('SELECT version FROM migrations')).toEqual([{ version: 1 }])
  const totals: number[] = []
  runMigrations(db, { ...input, onProgress: ({ rows }) => rows && totals.push(rows.total) })
  expect(totals[0]).toBe(150)
  expect(db.get('SELECT count(*) AS right FROM parts WHERE twice = 2 * n')).toEqual({ right: 250 })
})
