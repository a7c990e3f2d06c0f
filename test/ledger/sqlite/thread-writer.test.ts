import { afterEach, describe, expect, test } from 'vitest'
import { duringCall } from '../../../src/core/correlation.ts'
import type { StintError } from '../../../src/core/errors.ts'
import { ThreadWriter, type ThreadWriterOptions } from '../../../src/ledger/sqlite/writing/thread-writer.ts'
import { recordOf } from '../../support/audit-record.ts'
import { sampleEvent, sampleOpen } from '../../support/ledger-records.ts'
import { type TmpLedger, tmpLedger } from '../../support/tmp-ledger.ts'

const now = new Date('2026-11-28T12:00:00Z')
const nothing = () => undefined

describe('a thread that fails', () => {
  const failures: StintError[] = []
  const start = (options: Partial<ThreadWriterOptions>) =>
    ThreadWriter.start({
      data: { path: '/no/such/folder/stint.db', replica: 'rpl_1', maxUnregistered: 1 },
      onRows: nothing,
      onFailure: (error) => failures.push(error),
      ...options,
    })
  const program = (name: string) => new URL(`./threads/${name}.ts`, import.meta.url)
  afterEach(() => {
    failures.length = 0
  })

  for (const { name, options } of [
    { name: 'dies', options: { entry: program('dying-thread') } },
    { name: 'does not answer', options: { entry: program('silent-thread'), silenceMs: 1 } },
  ]) {
    test(`and ${name} leaves what waits unknown, is told of once, and takes no more`, async () => {
      const writer = await start(options)
      const waiting = [writer.write('appendEvents', []), writer.write('appendEvents', [], 'settling')]
      const refused = { code: 'LEDGER_UNAVAILABLE', details: { poisoned: true } }
      for (const answer of await Promise.allSettled(waiting)) expect(answer).toMatchObject({ reason: refused })
      await expect(writer.write('appendEvents', [])).rejects.toMatchObject(refused)
      expect(failures).toMatchObject([refused])
      expect(writer.isLive()).toBe(false)
      await writer.close()
    })
  }

  test('to open the file is an error of the start', async () => {
    await expect(start({})).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    expect(failures).toEqual([])
  })
})

describe('a ledger whose thread writes', () => {
  let tmp: TmpLedger
  afterEach(() => tmp.dispose())

  test('is given what it needs between the writes before and those after', async () => {
    tmp = await tmpLedger({ inThread: true })
    const { ledger, ids } = tmp
    const dueAt = tmp.clock.now()
    const open = () => ledger.openGrant(sampleOpen(ids, dueAt, { grant: { dueAt } }))
    const seen: string[] = []
    const [first, swept, second] = await Promise.all([
      open(),
      ledger.sweepGrants({
        now: dueAt,
        limit: 10,
        settle: ({ grant }) => {
          seen.push(grant.id)
          return { to: { state: 'ended', reason: 'deadline', endedAt: dueAt, dueAt: null }, events: [] }
        },
      }),
      open(),
    ])
    expect(seen).toEqual([first.grant.id])
    expect(swept.map(({ id }) => id)).toEqual([first.grant.id])
    expect(await ledger.getGrant(second.grant.id)).toMatchObject({ state: 'active' })
  })

  test('refuses what cannot be sent, and writes what comes after', async () => {
    tmp = await tmpLedger({ inThread: true })
    const data = { fault: nothing } as never
    const bad = tmp.ledger.appendEvents([sampleEvent(now, { data })])
    await expect(bad).rejects.toMatchObject({ code: 'INTERNAL' })
    await tmp.ledger.appendEvents([sampleEvent(now)])
    expect(await recordOf(tmp.ledger)).toHaveLength(1)
  })

  test('puts the ids of the call on the events of its write', async () => {
    tmp = await tmpLedger({ inThread: true })
    const call = { requestId: 'req-1', traceId: 'ab'.repeat(16) }
    await duringCall(call, () => tmp.ledger.appendEvents([sampleEvent(now)]))
    expect(await recordOf(tmp.ledger)).toMatchObject([call])
  })

  test('fails when the store does, and goes on reading', async () => {
    const failures: StintError[] = []
    tmp = await tmpLedger({ inThread: true, maxBytes: 400_000, onFailure: (error) => failures.push(error) })
    const { ledger, ids } = tmp
    const { grant } = await ledger.openGrant(sampleOpen(ids, now))
    // SQLite answers SQLITE_FULL, as on a full disk.
    const full = ledger.appendEvents([sampleEvent(now, { data: { fill: 'x'.repeat(500_000) } })])
    await expect(full).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE', details: { poisoned: true } })
    await expect(ledger.nameHeads({ at: now })).rejects.toMatchObject({ details: { poisoned: true } })
    expect(failures).toMatchObject([{ details: { poisoned: true } }])
    expect(ledger.isLive()).toBe(false)
    expect(await ledger.getGrant(grant.id)).toEqual(grant)
  })
})
