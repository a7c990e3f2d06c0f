import { beforeAll, describe, expect, test } from 'vitest'
import type { X509SvidMessage, X509SvidResponse } from '../../../src/identity/workload-api/definition.ts'
import { workloadApiTarget } from '../../../src/identity/workload-api/endpoint.ts'
import { readJwtBundles } from '../../../src/identity/workload-api/jwt-bundles.ts'
import { readX509Context } from '../../../src/identity/workload-api/x509-context.ts'
import { createTrustDomain, type PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'
import { NOW } from '../../support/pki.ts'
import { jwtMessage, rootsOf, svidMessage, x509Message } from '../../support/workload-api-server.ts'
import { ENDPOINTS } from '../../vectors/identity/workload-api.ts'

describe('the address of a Workload API', () => {
  for (const { id, address, target } of ENDPOINTS) {
    test(`${id} ${target ? 'takes' : 'refuses'} ${JSON.stringify(address.slice(0, 40))}`, () => {
      if (target) return expect(workloadApiTarget(address)).toBe(target)
      expect(() => workloadApiTarget(address)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    })
  }
})

let a: PracticeTrustDomain
let b: PracticeTrustDomain
let one: X509SvidMessage
let two: X509SvidMessage
/** As `one`, but over. */
let over: X509SvidMessage
let rootOfA = ''
const HOURS_AGO = new Date(NOW.getTime() - 3 * 3_600_000)

beforeAll(async () => {
  ;[a, b] = await Promise.all([
    createTrustDomain('a.test', { now: NOW, intermediate: true }),
    createTrustDomain('b.test', { now: NOW }),
  ])
  one = svidMessage(await a.issueX509Svid({ path: '/one', now: NOW }), a, 'internal')
  over = svidMessage(await a.issueX509Svid({ path: '/one', now: HOURS_AGO }), a, 'internal')
  rootOfA = readX509Context(x509Message([one]), NOW).roots.get('a.test')?.[0]?.fingerprint ?? ''
  two = svidMessage(await a.issueX509Svid({ path: '/two', now: NOW }), a, 'internal')
})

describe('a message of FetchX509SVID', () => {
  test('gives SVIDs, keys and roots of each trust domain', () => {
    const { svids, roots, notes } = readX509Context(x509Message([one, { ...two, hint: 'other' }], [b]), NOW)
    expect(svids.map(({ spiffeId, hint }) => [spiffeId, hint])).toEqual([
      ['spiffe://a.test/one', 'internal'],
      ['spiffe://a.test/two', 'other'],
    ])
    expect(svids[0]?.chain).toHaveLength(2)
    expect(svids[0]?.notAfter).toEqual(new Date(NOW.getTime() + 3_600_000))
    expect([...roots].map(([name, found]) => [name, found.length])).toEqual([
      ['a.test', 1],
      ['b.test', 1],
    ])
    expect(notes).toEqual([])
  })

  test('W8 of two SVIDs with one hint the first has it', () => {
    const hints = (...svids: X509SvidMessage[]) =>
      readX509Context(x509Message(svids), NOW).svids.map(({ hint }) => hint)
    expect(hints(one, two)).toEqual(['internal', ''])
    expect(hints({ ...one, hint: '' }, { ...two, hint: '' })).toEqual(['', ''])
  })

  const pem = () => Buffer.from(a.rootCertPem)
  type Change = (svid: X509SvidMessage) => Partial<X509SvidMessage>
  // Workload API 4.5
  for (const { name, change } of [
    { name: 'W6 no SPIFFE ID', change: () => ({ spiffe_id: '' }) },
    { name: 'W6 no certificate', change: () => ({ x509_svid: Buffer.alloc(0) }) },
    { name: 'W6 no key', change: () => ({ x509_svid_key: Buffer.alloc(0) }) },
    { name: 'W6 no bundle', change: () => ({ bundle: Buffer.alloc(0) }) },
  ] satisfies { name: string; change: Change }[]) {
    test(`is discarded whole for ${name}`, () => {
      const spoilt = { ...one, ...change() }
      for (const message of [x509Message([{ ...two, hint: '' }, spoilt]), x509Message([spoilt])]) {
        expect(() => readX509Context(message, NOW)).toThrow(expect.objectContaining({ code: 'SVID_INVALID' }))
      }
    })
  }

  const spoiled: readonly { name: string; code?: string; change: Change }[] = [
    { name: 'another ID than the certificate', change: () => ({ spiffe_id: 'spiffe://a.test/two' }) }, // 5.2.1
    { name: 'an ID that is none', code: 'SPIFFE_ID_INVALID', change: () => ({ spiffe_id: 'a.test/one' }) },
    { name: 'X43 PEM for the certificate', change: () => ({ x509_svid: pem() }) }, // Workload API 5.2.1
    { name: 'X43 PEM for the key', change: () => ({ x509_svid_key: pem() }) }, // Workload API 5.2.1
    { name: 'X43 PEM for the bundle', code: 'BUNDLE_INVALID', change: () => ({ bundle: pem() }) },
    { name: 'the key of another', change: () => ({ x509_svid_key: two.x509_svid_key }) },
    { name: 'the bundle of another trust domain', change: () => ({ bundle: rootsOf(b) }) }, // X509-SVID 5.2
    { name: 'a bundle cut off', code: 'BUNDLE_INVALID', change: () => ({ bundle: rootsOf(a).subarray(0, -1) }) },
    { name: 'a leaf in the bundle', code: 'BUNDLE_INVALID', change: (svid) => ({ bundle: svid.x509_svid }) },
    { name: 'a signing certificate for the SVID', change: () => ({ x509_svid: rootsOf(a) }) }, // X509-SVID 5.2
    { name: 'a validity that is over', code: 'SVID_EXPIRED', change: () => over },
  ]
  for (const { name, code = 'SVID_INVALID', change } of spoiled) {
    test(`loses just the SVID with ${name}, in any order, and is discarded when it has no other`, () => {
      const spoilt = { ...one, ...change(one) }
      for (const svids of [
        [spoilt, two],
        [two, spoilt],
      ]) {
        const { svids: usable, unusable, roots, notes } = readX509Context(x509Message(svids), NOW)
        expect(usable.map(({ spiffeId }) => spiffeId)).toEqual(['spiffe://a.test/two'])
        expect(unusable.map(({ error }) => error.code)).toEqual([code])
        expect(notes.map((note) => note.code)).toEqual(['svid'])
        expect([...roots]).toEqual([['a.test', [expect.objectContaining({ fingerprint: rootOfA })]]])
      }
      expect(() => readX509Context(x509Message([spoilt]), NOW)).toThrow(expect.objectContaining({ code }))
    })
  }

  test('keeps the bundle of a trust domain whose SVID is over', async () => {
    const late = svidMessage(await b.issueX509Svid({ path: '/late', now: HOURS_AGO }), b)
    expect([...readX509Context(x509Message([late, one]), NOW).roots.keys()].sort()).toEqual(['a.test', 'b.test'])
  })

  test('W6 is discarded without any SVID, and with one that is over', () => {
    expect(() => readX509Context(x509Message([]), NOW)).toThrow(expect.objectContaining({ code: 'SVID_INVALID' }))
    const later = new Date(NOW.getTime() + 3_601_000)
    expect(() => readX509Context(x509Message([one]), later)).toThrow(expect.objectContaining({ code: 'SVID_EXPIRED' }))
  })

  test('leaves out a federated bundle that cannot be used, and no other', () => {
    const good = x509Message([one], [b])
    const spoilt: X509SvidResponse = {
      ...good,
      crl: [Buffer.from([1])],
      federated_bundles: {
        ...good.federated_bundles,
        'spiffe://c.test': Buffer.from('junk'),
        'spiffe://d.test': Buffer.alloc(0),
        'spiffe://e.test/path': rootsOf(b),
        'f.test': rootsOf(b),
        'spiffe://a.test': rootsOf(b),
      },
    }
    const { roots, notes } = readX509Context(spoilt, NOW)
    expect([...roots.keys()]).toEqual(['a.test', 'b.test'])
    expect(roots.get('a.test')).toHaveLength(1)
    expect(notes.map(({ code }) => code)).toEqual(['crl', ...Array(5).fill('federated-bundle')])
  })

  test('puts no key into an error', () => {
    try {
      readX509Context(
        x509Message([{ ...one, x509_svid_key: Buffer.concat([one.x509_svid_key, Buffer.from('x')]) }]),
        NOW,
      )
      expect.unreachable()
    } catch (error) {
      expect((error as Error).cause).toBeUndefined()
    }
  })
})

describe('a message of FetchJWTBundles', () => {
  const bundles = (...documents: unknown[]) => ({
    bundles: Object.fromEntries(
      documents.map((document, i) => [`spiffe://td${i}.test`, Buffer.from(JSON.stringify(document))]),
    ),
  })
  const keyOf = (domain: PracticeTrustDomain): Record<string, unknown> =>
    JSON.parse(domain.bundleJson()).keys.find(({ use }: { use: string }) => use === 'jwt-svid')

  test('takes keys without use, as SPIRE sends them, and ignores those with another use', () => {
    expect([...readJwtBundles(jwtMessage(a, b)).authorities.keys()]).toEqual(['a.test', 'b.test'])
    const uses = ['sig', 'jwt-svid', 'wit-svid', 'x509-svid', 'enc', 'JWT-SVID', null]
    const keys = uses.map((use) => ({ ...keyOf(a), use, kid: String(use) }))
    const { authorities } = readJwtBundles(bundles({ keys }))
    expect([...(authorities.get('td0.test')?.keys() ?? [])]).toEqual(['sig', 'jwt-svid'])
  })

  test('leaves out a document that cannot be used, and takes an empty one for no trust', () => {
    const { authorities, notes } = readJwtBundles(bundles({}, { keys: [] }, { keys: [keyOf(b)] }, 'text'))
    expect([...authorities].map(([name, keys]) => [name, keys.size])).toEqual([
      ['td1.test', 0],
      ['td2.test', 1],
    ])
    expect(notes.map(({ code }) => code)).toEqual(['jwt-bundle', 'jwt-bundle'])
    const broken = { bundles: { 'spiffe://a.test': Buffer.from([0xff]) } }
    expect(readJwtBundles(broken).notes).toHaveLength(1)
  })

  test('keeps the keys of a trust domain whose document cannot be used, while the message names it', () => {
    const before = readJwtBundles(bundles({ keys: [keyOf(a)] }, { keys: [keyOf(b)] }))
    const repeated = { keys: [keyOf(a), { ...keyOf(b), kid: keyOf(a).kid }] }
    const broken = readJwtBundles(bundles(repeated, { keys: [] }), before)
    expect([...(broken.authorities.get('td0.test')?.keys() ?? [])]).toEqual([keyOf(a).kid])
    expect(broken.authorities.get('td1.test')?.size).toBe(0)
    expect(broken.notes).toMatchObject([{ level: 'alarm', explanation: expect.stringContaining('td0.test') }])
    const { authorities } = readJwtBundles({ bundles: { 'spiffe://td1.test': Buffer.from('{"keys":[]}') } }, broken)
    expect([...authorities.keys()]).toEqual(['td1.test'])
  })

  test('W6 is discarded without any bundle', () => {
    expect(() => readJwtBundles({ bundles: {} })).toThrow(expect.objectContaining({ code: 'BUNDLE_INVALID' }))
  })
})
