import assert from 'node:assert/strict'
import { test } from 'vitest'
import { combineRegistrations } from '../../src/registry/combine-registrations.ts'
import type { Registration } from '../../src/registry/registration.ts'
import { Registry } from '../../src/registry/registry.ts'

const NOW = new Date('2026-11-28T12:00:00Z')
const LATER = new Date('2027-06-30T00:00:00Z')
const registration = (more: Partial<Registration> = {}): Registration => ({
  ...{ name: 'lab', match: 'spiffe://example.org/lab/*', owner: 'Ada', team: 'data', purpose: 'Experiments' },
  expiresAt: LATER,
  ...more,
})
const combine = (more: Partial<Parameters<typeof combineRegistrations>[0]> & { inFile?: Registration[] }) =>
  combineRegistrations({
    file: new Registry({ registrations: more.inFile ?? [], hash: 'aa' }),
    api: [],
    reviews: [],
    writableByApi: ['spiffe://example.org/*'],
    ...more,
  })
const api = (more: Partial<Registration> = {}) => registration({ source: 'api', version: 1, ...more })
const AGENT = 'spiffe://example.org/lab/a'

for (const { what, inFile, ofApi, writableByApi, because } of [
  {
    what: 'the file registers the same agents',
    inFile: [registration({ name: 'file' })],
    ofApi: api(),
    because: 'the registry file registers spiffe://example.org/lab/* as file',
  },
  {
    what: 'the file uses the name',
    inFile: [registration({ match: 'spiffe://example.org/other' })],
    ofApi: api(),
    because: 'the registry file has a registration named lab',
  },
  {
    what: 'the settings do not let the API register them',
    inFile: [],
    ofApi: api(),
    writableByApi: ['spiffe://example.org/lab/a/*'],
    because: 'registry.writableByApi does not let the API register spiffe://example.org/lab/*',
  },
  {
    what: 'the settings let the API register nobody',
    inFile: [],
    ofApi: api(),
    writableByApi: [],
    because: 'registry.writableByApi does not let the API register spiffe://example.org/lab/*',
  },
])
  test(`a registration of the API is set aside if ${what}`, () => {
    const registry = combine({ inFile, api: [ofApi], ...(writableByApi && { writableByApi }) })
    assert.deepEqual(
      registry.setAside.map(({ name, because }) => ({ name, because })),
      [{ name: 'lab', because }],
    )
    assert.equal(registry.named('lab')?.source, undefined)
  })

test('a registration of the API that is nearer counts beside a wider one of the file', () => {
  const registry = combine({ inFile: [registration({ name: 'file' })], api: [api({ match: AGENT })] })
  assert.equal(registry.lookup(AGENT, NOW).name, 'lab')
  assert.equal(registry.lookup('spiffe://example.org/lab/b', NOW).name, 'file')
})

for (const { what, given, review, code } of [
  { what: 'is overdue for review', given: { reviewAt: NOW }, code: 'REGISTRATION_UNREVIEWED' },
  { what: 'has expired', given: { expiresAt: NOW }, code: 'REGISTRATION_EXPIRED' },
  { what: 'has an owner who is no operator', given: { owner: 'Eve' }, code: 'REGISTRATION_OWNERLESS' },
  { what: 'is reviewed in time, by an owner in another spelling', given: { reviewAt: NOW }, review: LATER },
  { what: 'has a later date in the file than was signed for', given: { reviewAt: LATER }, review: NOW },
  {
    what: 'was reviewed as other agents',
    given: { reviewAt: NOW, match: AGENT },
    review: LATER,
    code: 'REGISTRATION_UNREVIEWED',
  },
])
  test(`a registration that ${what}: ${code ?? 'its agents are served'}`, () => {
    const reviews = review ? [{ name: 'lab', match: 'spiffe://example.org/lab/*', nextAt: review }] : []
    const registry = combine({ inFile: [registration(given)], reviews, owners: new Set(['ada']) })
    const look = () => registry.lookup(AGENT, NOW)
    if (code) assert.throws(look, { code })
    else assert.equal(look().name, 'lab')
  })
