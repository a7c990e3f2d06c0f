import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { LedgerSpace, openWithin, withinSpace } from '../../src/start/ledger/ledger-space.ts'
import { sampleLease, sampleOpen } from '../support/ledger-records.ts'
import { type TmpLedger, tmpLedger } from '../support/tmp-ledger.ts'

const MIB = 1_048_576

let folder: string
let space: LedgerSpace
let free: number
let tmp: TmpLedger
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stint-space-'))
  free = 500 * MIB
  space = new LedgerSpace(join(folder, 'ledger.db'), async () => ({ free, size: 1_000 * MIB }))
  tmp = await tmpLedger()
})
afterEach(async () => {
  await tmp.dispose()
  rmSync(folder, { recursive: true, force: true })
})

const reserve = () => join(folder, 'ledger.db.reserve')
const look = async (mib: number) => {
  free = mib * MIB
  return (await space.look())?.code
}

test('a reserve is kept while there is space, and given back before there is none', async () => {
  expect(await look(500)).toBeUndefined()
  expect(statSync(reserve()).size).toBe(8 * MIB)
  expect(await look(40)).toBe('LEDGER_SPACE_LOW')
  expect(existsSync(reserve())).toBe(true)
  expect(space.shortage).toBeUndefined()
  await look(23)
  expect(existsSync(reserve())).toBe(false)
  expect(space.shortage).toMatchObject({ code: 'LEDGER_SPACE_LOW' })
})

test('a shortage lasts until there is space for the reserve too', async () => {
  await look(10)
  await look(40)
  expect(space.shortage).toBeDefined()
  await look(65)
  expect(space.shortage).toBeUndefined()
  await look(80)
  expect(existsSync(reserve())).toBe(true)
})

test('while there is a shortage nothing is granted, and denials, endings and revocations go on', async () => {
  const { ids, clock } = tmp
  const ledger = withinSpace(tmp.ledger, space)
  const { grant } = await ledger.openGrant(sampleOpen(ids, clock.now()))
  await look(10)
  const short = { code: 'LEDGER_SPACE_LOW' }
  await expect(ledger.openGrant(sampleOpen(ids, clock.now()))).rejects.toMatchObject(short)
  const lease = sampleLease(ids, clock.now())
  const more = { grantId: grant.id, grantVersion: grant.version, lease, events: [] }
  await expect(ledger.intendLease(more)).rejects.toMatchObject(short)
  await ledger.openGrant(sampleOpen(ids, clock.now(), { grant: { state: 'denied' } }))
  const to = { state: 'ended', reason: 'revoked', endedAt: clock.now(), dueAt: null } as const
  await ledger.moveGrant({ grantId: grant.id, expectedVersion: grant.version, to, events: [] })
  await look(100)
  await ledger.openGrant(sampleOpen(ids, clock.now()))
})

test('a ledger that cannot be opened for want of space is opened with the reserve', async () => {
  await look(500)
  free = 0
  const open = async () => {
    if (existsSync(reserve())) throw new StintError('LEDGER_UNAVAILABLE')
    return tmp.ledger
  }
  expect(await openWithin(space, open)).toBe(tmp.ledger)
  expect(space.shortage).toBeDefined()
  const never = async () => {
    throw new StintError('LEDGER_UNAVAILABLE')
  }
  await expect(openWithin(space, never)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
})
