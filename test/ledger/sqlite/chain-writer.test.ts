import { afterEach, beforeEach, expect, test } from 'vitest'
import { verifyAuditFile } from '../../../src/ledger/audit-verify.ts'
import { allEvents } from '../../support/audit-record.ts'
import { writeForeignChains } from '../../support/foreign-chain.ts'
import { sampleEvent } from '../../support/ledger-records.ts'
import { type TmpLedger, tmpLedger } from '../../support/tmp-ledger.ts'

let tmp: TmpLedger
beforeEach(async () => {
  tmp = await tmpLedger()
})
afterEach(() => tmp.dispose())

const append = () => tmp.ledger.appendEvents([sampleEvent(tmp.clock.now())])
const typesOf = async () => (await allEvents(tmp.ledger)).map(({ type }) => type)

test('the end of another chain is named while this one goes on, once', async () => {
  await append()
  const [other] = writeForeignChains(tmp.file, ['rpl_x'])
  expect((await tmp.ledger.auditHeads()).heads.map(({ chain }) => chain)).toContain('rpl_x')
  await tmp.ledger.nameHeads({ at: tmp.clock.now() })
  await tmp.ledger.nameHeads({ at: tmp.clock.now() })
  const named = (await allEvents(tmp.ledger)).filter(({ type }) => type === 'chain.heads')
  expect(named.map(({ data }) => data)).toEqual([{ heads: [other] }])
  expect((await tmp.ledger.auditHeads()).heads).toHaveLength(1)
  expect(await verifyAuditFile(tmp.file)).toMatchObject({ unwitnessed: [{ afterSeq: 0, events: 3 }], chains: 2 })
})

test('the end of another chain is named at the latest when this one is closed', async () => {
  await append()
  writeForeignChains(tmp.file, ['rpl_x'])
  await tmp.reopen()
  expect((await typesOf()).slice(-2)).toEqual(['chain.heads', 'chain.closed'])
  const { heads } = await tmp.ledger.auditHeads()
  expect(await verifyAuditFile(tmp.file, heads)).toMatchObject({ verdict: 'whole', chains: 2 })
})

test('a process that has recorded nothing names what another one left', async () => {
  writeForeignChains(tmp.file, ['rpl_x'])
  await tmp.ledger.nameHeads({ at: tmp.clock.now() })
  expect(await typesOf()).toEqual(['chain.opened', 'chain.opened'])
})

test('more chains than one event may name are named by several', async () => {
  const chains = Array.from({ length: 600 }, (_, n) => `rpl_${n}`)
  writeForeignChains(tmp.file, chains)
  await append()
  const own = (await allEvents(tmp.ledger)).slice(600)
  const counts = own.map(({ type, data }) => [type, (data as { heads?: unknown[] } | undefined)?.heads?.length])
  expect(counts.slice(0, 3)).toEqual([
    ['chain.opened', 256],
    ['chain.heads', 256],
    ['chain.heads', 88],
  ])
  expect(Math.max(...own.map((event) => JSON.stringify(event).length))).toBeLessThan(65_536)
  expect((await verifyAuditFile(tmp.file)).problem).toBeUndefined()
})

test('an event of the chain before is not passed over when the file is opened, however short this one is', async () => {
  for (let n = 0; n < 300; n += 1) await append()
  await tmp.reopen()
  await append()
  await tmp.reopen()
  const { heads } = await tmp.ledger.auditHeads()
  expect(await verifyAuditFile(tmp.file, heads)).toMatchObject({ verdict: 'whole', chains: 2 })
})
