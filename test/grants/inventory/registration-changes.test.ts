import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'vitest'
import { createInventoryService } from '../../../src/grants/inventory/inventory-service.ts'
import type { Operator } from '../../../src/grants/operators/operator.ts'
import { combineRegistrations } from '../../../src/registry/combine-registrations.ts'
import type { Registration } from '../../../src/registry/registration.ts'
import { Registry } from '../../../src/registry/registry.ts'
import { type TmpLedger, tmpLedger } from '../../support/tmp-ledger.ts'

const ADA: Operator = { name: 'ada', role: 'admin', groups: [], subjects: [] }
const NEW = {
  name: 'lab',
  match: 'spiffe://example.org/lab/*',
  owner: 'ada',
  team: 'research',
  purpose: 'Experiments',
  expiresAt: new Date('2027-06-30T00:00:00Z'),
}
const DAY_MS = 86_400_000

let tmp: TmpLedger
beforeEach(async () => {
  tmp = await tmpLedger()
})
afterEach(() => tmp.dispose())

/** The inventory of one replica. */
async function startInventory(inFile: Registration[] = [], writableByApi = ['spiffe://example.org/*']) {
  const file = new Registry({ registrations: inFile, hash: 'aa' })
  let current = file
  const refresh = async () => {
    const { registrations, reviews } = await tmp.ledger.registrations()
    const api = registrations.map(({ name, fields, version }) => ({ name, ...fields, version, source: 'api' as const }))
    current = combineRegistrations({ file, api, reviews, writableByApi })
  }
  await refresh()
  const registry = {
    current: () => current,
    refresh,
    get status() {
      return { value: current }
    },
  }
  const inventorySettings = () => ({ writableByApi, reviewPeriodMs: 90 * DAY_MS })
  const service = createInventoryService({
    ledger: tmp.ledger,
    clock: tmp.clock,
    ids: tmp.ids,
    registry,
    inventorySettings,
  })
  return { service, registry, refresh }
}

const codes = (...work: Promise<unknown>[]) =>
  Promise.all(
    work.map((each) =>
      each.then(
        () => 'done',
        (error: { code: string }) => error.code,
      ),
    ),
  )

test('a registration by the API is in force at once, with a review date', async () => {
  const { service, registry } = await startInventory()
  const made = await service.register(ADA, NEW, 'a trial')
  const now = tmp.clock.now()
  assert.equal(registry.current().lookup('spiffe://example.org/lab/a', now).team, 'research')
  assert.equal(made.reviewAt?.getTime(), now.getTime() + 90 * DAY_MS)
  assert.deepEqual(
    { source: made.source, version: made.version, standing: made.standing },
    {
      source: 'api',
      version: 1,
      standing: 'good',
    },
  )
  const [event] = (await tmp.ledger.auditEvents({ afterPosition: 0, limit: 10 })).filter(
    ({ type }) => type === 'agent.registered',
  )
  assert.equal(event?.actor, 'operator:ada')
})

test('a change keeps the other fields, and the event names what changed', async () => {
  const { service } = await startInventory()
  await service.register(ADA, { ...NEW, contact: '#lab' }, 'a trial')
  const changed = await service.change(ADA, 'lab', { owner: 'bob' }, { version: 1, note: 'on leave' })
  assert.deepEqual([changed.owner, changed.contact, changed.version], ['bob', '#lab', 2])
  const events = await tmp.ledger.auditEvents({ afterPosition: 0, limit: 10 })
  const event = events.find(({ type }) => type === 'agent.changed')
  assert.deepEqual((event?.data as { changed: string[] } | undefined)?.changed, ['owner'])
})

test('of two admins who change a registration that both looked at, the later one looks again', async () => {
  const { service } = await startInventory()
  await service.register(ADA, NEW, '')
  const found = await codes(
    service.change(ADA, 'lab', { owner: 'bob' }, { version: 1, note: '' }),
    service.remove({ ...ADA, name: 'eve' }, 'lab', { version: 1, note: '' }),
  )
  assert.deepEqual(found.sort(), ['REGISTRATION_CHANGED', 'done'])
})

test('a removed registration serves nobody', async () => {
  const { service, registry } = await startInventory()
  await service.register(ADA, NEW, '')
  await service.remove(ADA, 'lab', { version: 1, note: 'over' })
  assert.throws(() => registry.current().lookup('spiffe://example.org/lab/a', tmp.clock.now()), {
    code: 'AGENT_UNREGISTERED',
  })
  assert.deepEqual(service.list(), [])
})

const IN_FILE: Registration = { ...NEW, name: 'of-file', match: 'spiffe://example.org/ci/*' }

for (const { what, act, code } of [
  {
    what: 'agents that the file registers',
    act: (one: Service) => one.register(ADA, { ...NEW, match: IN_FILE.match }, ''),
    code: 'REGISTRATION_IN_FILE',
  },
  {
    what: 'a name that the file uses',
    act: (one: Service) => one.register(ADA, { ...NEW, name: 'of-file' }, ''),
    code: 'REGISTRATION_IN_FILE',
  },
  {
    what: 'agents that the settings keep from the API',
    act: (one: Service) => one.register(ADA, { ...NEW, match: 'spiffe://other.org/*' }, ''),
    code: 'REGISTRATION_IN_FILE',
  },
  {
    what: 'a registration of the file, to change it',
    act: (one: Service) => one.change(ADA, 'of-file', { owner: 'x' }, { version: 1, note: '' }),
    code: 'REGISTRATION_IN_FILE',
  },
  {
    what: 'a registration of the file, to remove it',
    act: (one: Service) => one.remove(ADA, 'of-file', { version: 1, note: '' }),
    code: 'REGISTRATION_IN_FILE',
  },
  {
    what: 'a registration that is not there',
    act: (one: Service) => one.remove(ADA, 'none', { version: 1, note: '' }),
    code: 'REGISTRATION_NOT_FOUND',
  },
])
  test(`the API refuses ${what}`, async () => {
    const { service } = await startInventory([IN_FILE])
    assert.deepEqual(await codes(act(service)), [code])
    assert.deepEqual((await tmp.ledger.registrations()).registrations, [])
  })

type Service = Awaited<ReturnType<typeof startInventory>>['service']

test('a registration whose agents the file takes over later is set aside, and can be removed', async () => {
  const before = await startInventory()
  await before.service.register(ADA, NEW, '')
  const { service } = await startInventory([{ ...IN_FILE, match: NEW.match }])
  assert.deepEqual(
    service.list().map(({ name, standing, because }) => [name, standing, because]),
    [
      ['of-file', 'good', undefined],
      ['lab', 'set_aside', 'the registry file registers spiffe://example.org/lab/* as of-file'],
    ],
  )
  await service.remove(ADA, 'lab', { version: 1, note: 'the file has it' })
  assert.equal(service.list().length, 1)
})
