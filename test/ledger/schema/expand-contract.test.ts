import { describe, expect, test } from 'vitest'
import { MIGRATIONS as postgresMigrations } from '../../../src/ledger/postgres/migrations/run-migrations.ts'
import { type Migration, migrationText } from '../../../src/ledger/schema/migration.ts'
import { findBreakingStep } from '../../../src/ledger/schema/schema-state.ts'
import { MIGRATIONS as sqliteMigrations } from '../../../src/ledger/sqlite/migrations/run-migrations.ts'

/**
 * The statements of a step that a broker of the version before could not live with, whatever the step says of itself: such a broker
 * names its columns, and neither fills new ones nor knows new values.
 */
function findBreakingStatements(migration: Migration): string[] {
  const statements = migrationText(migration)
    .split(';')
    .map((text) => text.replace(/\s+/g, ' ').trim())
    .filter((text) => text !== '')
  const created = new Set(statements.flatMap((text) => /^CREATE TABLE (\w+)/.exec(text)?.[1] ?? []))
  const added = new Set(statements.flatMap((text) => /^ALTER TABLE \w+ ADD COLUMN (\w+)/.exec(text)?.[1] ?? []))
  return statements.filter((text) => !adds(text, created, added))
}

function adds(text: string, created: ReadonlySet<string>, added: ReadonlySet<string>): boolean {
  const table = /^(?:CREATE TABLE|INSERT INTO|CREATE UNIQUE INDEX \w+ ON) (\w+)/.exec(text)?.[1]
  if (table !== undefined) return created.has(table)
  if (/^ALTER TABLE \w+ ADD COLUMN /.test(text)) return !/ NOT NULL/.test(text) || / DEFAULT /.test(text)
  const changed = /^UPDATE \w+ SET (\w+) =/.exec(text)?.[1]
  if (changed !== undefined) return added.has(changed)
  // How a table is stored, not what is in it.
  return /^(CREATE INDEX|DROP INDEX|ALTER TABLE \w+ SET \()/.test(text)
}

for (const { store, migrations } of [
  { store: 'SQLite', migrations: sqliteMigrations },
  { store: 'PostgreSQL', migrations: postgresMigrations },
]) {
  describe(`the steps of ${store}`, () => {
    test('are numbered without a gap, and none lets in less than the one before', () => {
      expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1))
      const readers = migrations.map(({ readableBy }) => readableBy)
      expect(readers).toEqual(readers.toSorted((a, b) => a - b))
    })

    for (const migration of migrations.filter(({ version, readableBy }) => readableBy < version)) {
      test(`${migration.version} ${migration.name}, which older brokers are said to live with, only adds`, () => {
        // A row step goes with the schema step before it.
        if ('rows' in migration) return
        expect(findBreakingStatements(migration)).toEqual([])
      })
    }

    test('that older brokers are said not to live with do more than add, or change what hashes are over', () => {
      const needless = migrations
        .filter(({ version, readableBy }) => version > 1 && readableBy === version)
        .filter((migration) => findBreakingStatements(migration).length === 0)
        .filter((migration) => !/ALTER TABLE events/.test(migrationText(migration)))
      expect(needless).toEqual([])
    })
  })
}

describe('a step that claims that older brokers can live with it is found out when it', () => {
  for (const sql of [
    'ALTER TABLE grants RENAME COLUMN owner TO holder',
    'ALTER TABLE grants DROP COLUMN owner',
    'ALTER TABLE grants ADD COLUMN region text NOT NULL',
    'DROP TABLE plans',
    'CREATE UNIQUE INDEX grants_by_task ON grants (task_hash)',
    `UPDATE leases SET state = 'over' WHERE state = 'ended'`,
    'ALTER TABLE leases ADD CONSTRAINT c CHECK (number > 0)',
    'DELETE FROM tokens',
  ]) {
    test(`says ${sql}`, () => {
      expect(findBreakingStatements({ version: 99, name: 'next', readableBy: 98, sql })).toEqual([sql])
    })
  }
})

test('the first step that brokers of a version cannot live with is found', () => {
  const step = (version: number, readableBy: number) => ({ version, readableBy, name: `step-${version}`, sql: '' })
  const steps = [step(12, 11), step(13, 12), step(14, 11)]
  expect(findBreakingStep(steps, 11)).toMatchObject({ version: 13 })
  expect(findBreakingStep(steps, 12)).toBeUndefined()
})
