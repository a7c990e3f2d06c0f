import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { randomIds } from '../../src/core/ids.ts'
import { createLogger } from '../../src/core/log.ts'
import type { DueGrant } from '../../src/ledger/ledger.ts'
import { ledger } from '../../src/start/ledger/ledger.ts'
import type { Surroundings } from '../../src/start/surroundings.ts'
import { sampleOpen } from '../support/ledger-records.ts'
import { ManualClock } from '../support/manual-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-ledger-part-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a damaged row is on the status by its grant until it can be read again', async () => {
  const clock = new ManualClock()
  const logger = createLogger({ level: 'info', destination: { write: () => undefined } })
  const partHealth = new PartHealth({ logger, clock })
  const file = join(folder, 'stint.db')
  const config = { ledger: { file } }
  const part = await ledger.start({
    ...({ config, clock, ids: randomIds, logger, partHealth } as unknown as Surroundings),
    metrics: undefined,
  })
  const { grant } = await part.value.openGrant(sampleOpen(randomIds, clock.now(), { grant: { dueAt: clock.now() } }))
  const settle = ({ grant: { state } }: DueGrant) => ({
    to: { state, dueAt: new Date(clock.now().getTime() + 1_000) },
    events: [],
  })
  const sweep = () => part.value.sweepGrants({ now: clock.now(), limit: 10, settle })

  const other = new DatabaseSync(file)
  other.exec("UPDATE plans SET body = '!' || body")
  await sweep()
  expect(partHealth.problems()).toMatchObject([{ component: `ledger:plan:${grant.id}`, code: 'LEDGER_CORRUPT' }])
  other.exec('UPDATE plans SET body = substr(body, 2)')
  other.close()
  clock.advance(60_000)
  await sweep()
  expect(partHealth.problems()).toEqual([])
  await part.stop?.()
})
