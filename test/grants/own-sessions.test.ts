import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { randomIds } from '../../src/core/ids.ts'
import type { CredentialProvider } from '../../src/credentials/provider.ts'
import { SessionNotes, startOnNotes } from '../../src/grants/own-sessions/session-notes.ts'
import { planWithoutAccess } from '../../src/plan/plan-without-access.ts'
import { ROLE } from '../support/fake-provider.ts'
import { type Harness, openHarness } from '../support/grant-harness.ts'

const SUBJECT = 'stint:doctor'
const PLAN = planWithoutAccess(SUBJECT, { purpose: 'to look at the role', roleArn: ROLE, ttlSeconds: 60 }, '{}')
let h: Harness
let notes: SessionNotes
beforeEach(async () => {
  h = await openHarness()
  notes = new SessionNotes(join(h.folder, 'ledger.db'))
})
afterEach(async () => {
  await h.close()
  h.remove()
})

/** As `stint doctor`, in a process that has no ledger. */
function start(mint: CredentialProvider['mint'] = (request, signal) => h.provider.mint(request, signal)) {
  const parts = { clock: h.clock, ids: randomIds, provider: h.provider, notes }
  return startOnNotes(parts)({ plan: PLAN, leaseMs: 60_000, mint }, h.signal)
}

async function taken() {
  const { items } = await h.ledger.listGrants({ subject: SUBJECT }, { limit: 10 })
  const [grant] = items
  return { items, grant, leases: grant ? await h.ledger.listLeases(grant.id) : [] }
}

describe('a session of doctor', () => {
  test('is noted before it is started, and comes into the ledger as a grant and a lease', async () => {
    const { lease } = await start(async (request, signal) => {
      expect(await notes.read(request.grant.id)).toMatchObject({ sessionName: request.lease.sessionName })
      return h.provider.mint(request, signal)
    })
    await h.sweeper.takeNotes()
    const { grant, leases } = await taken()
    expect(grant).toMatchObject({ id: lease.grantId, roleArn: ROLE, state: 'active', authMethod: 'broker' })
    expect(leases).toMatchObject([{ sessionName: lease.sessionName, state: 'issued', accessKeyId: 'KEY-EXAMPLE-1' }])
    expect(await notes.list()).toEqual([])
    expect((await h.ledger.trail(lease.grantId)).map(({ type }) => type)).toEqual([
      'own_session.intended',
      'lease.issued',
    ])
    await h.clock.advance(120_000)
    await h.sweeper.sweep()
    expect((await taken()).grant).toMatchObject({ state: 'ended', reason: 'deadline' })
  })

  test('is on record with its key although its note is taken long after its end', async () => {
    await start()
    await h.clock.advance(3_600_000)
    await h.sweeper.takeNotes()
    await h.sweeper.sweep()
    expect((await taken()).leases).toMatchObject([{ accessKeyId: 'KEY-EXAMPLE-1' }])
  })

  test('that made nothing is on record as that', async () => {
    const refused = new StintError('PROVIDER_REFUSED', { outcome: 'not_minted' })
    await expect(start(() => Promise.reject(refused))).rejects.toBe(refused)
    await h.sweeper.takeNotes()
    expect((await taken()).leases).toMatchObject([{ state: 'ended', end: 'not_minted' }])
  })

  test('is not started if it cannot be noted', async () => {
    notes = new SessionNotes(join(h.folder, 'ledger.db', 'no-folder'))
    await expect(start()).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    expect(h.provider.sessions).toEqual([])
  })

  test('counts as minted if doctor was killed during the mint (P2)', async () => {
    await expect(start(() => Promise.reject(new StintError('PROVIDER_UNAVAILABLE', {})))).rejects.toThrow()
    await h.sweeper.takeNotes()
    // It may still be at it.
    expect((await taken()).leases).toMatchObject([{ state: 'intended' }])
    expect(await notes.list()).toHaveLength(1)
    await h.clock.advance(20_000)
    await h.sweeper.takeNotes()
    expect((await taken()).leases).toMatchObject([{ state: 'intended', outcomeUnknown: true }])
    expect(await notes.list()).toEqual([])
  })

  test('comes once, also if the broker is killed before the note is gone', async () => {
    const { lease } = await start()
    const note = await notes.read(lease.grantId)
    await h.sweeper.takeNotes()
    if (note) await notes.write(note)
    await h.sweeper.takeNotes()
    expect((await taken()).items).toHaveLength(1)
    expect(await h.ledger.trail(lease.grantId)).toHaveLength(2)
  })
})

for (const { name, forge } of [
  { name: 'is no JSON', forge: () => 'x' },
  { name: 'is of an agent', forge: (text: string) => text.replaceAll(SUBJECT, 'spiffe://example.org/bot') },
  { name: 'has a plan that was changed', forge: (text: string) => text.replace('to look at', 'to change') },
  { name: 'is of another grant', forge: (text: string) => text.replace(/grt_.{4}/, 'grt_01JD') },
])
  test(`a note that ${name} is told of and taken by nobody, and the others are taken`, async () => {
    const { lease } = await start()
    const folder = join(h.folder, 'ledger.db-sessions')
    mkdirSync(folder, { recursive: true })
    const text = JSON.stringify(await notes.read(lease.grantId))
    const other = randomIds.next('grt', h.clock.now())
    writeFileSync(join(folder, `${other}.json`), forge(text))
    await expect(h.sweeper.takeNotes()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT', details: { id: other } })
    expect((await taken()).items.map(({ id }) => id)).toEqual([lease.grantId])
    expect(readdirSync(folder)).toEqual([`${other}.json`])
  })
