import { describe, expect, test } from 'vitest'
import { RoleRules } from '../../src/aws/roles/role-rules.ts'
import { idBody, randomIds } from '../../src/core/ids.ts'
import { attachedDocument, policyCharacters } from '../../src/credentials/aws-sts/deny/deny-document.ts'
import { DenyListLocations, type RevocationRule } from '../../src/credentials/aws-sts/deny/deny-list-locations.ts'
import { readContent } from '../../src/credentials/aws-sts/deny/document-mark.ts'
import { findSafeWrites, spreadDenyList, toDenies } from '../../src/credentials/deny-spread.ts'
import type { DenyListContent } from '../../src/credentials/provider.ts'
import { deniesSession } from '../support/deny-evaluator.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const AGENT = 'spiffe://example.org/a'
const entry = (grantId: string, more: object = {}) => ({ grantId, lastIssuedAt: NOW, ...more })
const names = (...grants: string[]) => toDenies({ grants })
const watermark = (ms: number) => toDenies({ grants: [], watermark: new Date(NOW.getTime() + ms) })

describe('of several writes, those can be made now that take away nothing that no other document keeps', () => {
  for (const { name, pending, others = [], safe } of [
    { name: 'what only adds', pending: [[names(), names('a')]], safe: [0] },
    { name: 'what takes the only place of an entry', pending: [[names('a'), names()]], safe: [] },
    {
      name: 'what moves, in its new document first',
      pending: [
        [names('a'), names()],
        [names(), names('a')],
      ],
      safe: [1],
    },
    {
      name: 'what another document holds that is not written',
      pending: [[names('a'), names()]],
      others: [names('a')],
      safe: [0],
    },
    {
      name: 'a copy of what another one goes on holding',
      pending: [
        [names('a', 'b'), names('b')],
        [names('a'), names('a', 'c')],
      ],
      safe: [0, 1],
    },
    {
      name: 'neither of two that both let go',
      pending: [
        [names('a'), names()],
        [names('a'), names('b')],
        [names(), names('a')],
      ],
      safe: [2],
    },
    {
      name: 'neither of two that change places',
      pending: [
        [names('a'), names('b')],
        [names('b'), names('a')],
      ],
      safe: [],
    },
    {
      name: 'a name that a watermark of the same document covers',
      pending: [[names('a'), watermark(1_000)]],
      safe: [0],
    },
    { name: 'a watermark that is not after the session', pending: [[names('a'), watermark(0)]], safe: [] },
  ])
    test(name, () => {
      const writes = pending.map(([now, wanted]) => ({ now: now ?? names(), wanted: wanted ?? names() }))
      const found = findSafeWrites(
        ['a', 'b', 'c'].map((id) => entry(id)),
        writes,
        others,
      )
      expect(found.map((write) => writes.indexOf(write))).toEqual(safe)
    })
})

describe('a spread list', () => {
  const document = (key: string, held: string[], places: number) => ({
    ...{ key, now: names(...held) },
    fits: ({ grants, agents = [], watermark: common }: DenyListContent, spare: number) =>
      grants.length + agents.length + (common ? 1 : 0) + spare <= places,
  })
  const spread = (ids: string[], documents: ReturnType<typeof document>[], elsewhere: string[] = []) => {
    const entries = ids.map((id) => entry(id, { agent: AGENT, named: true }))
    return spreadDenyList({ entries, documents, elsewhere: new Set(elsewhere), reserve: 0 })
  }
  const partsOf = (list: ReturnType<typeof spread>) => [...list.parts.values()].map(({ grants }) => grants.toSorted())

  test('leaves each grant where it is, and puts new ones into the first document with room', () => {
    const documents = [document('one', ['a'], 2), document('two', ['b', 'c'], 3)]
    expect(partsOf(spread(['a', 'b', 'c', 'd', 'e'], documents))).toEqual([
      ['a', 'd'],
      ['b', 'c', 'e'],
    ])
  })

  test('keeps one of two copies', () => {
    expect(partsOf(spread(['a'], [document('one', ['a'], 2), document('two', ['a'], 2)]))).toEqual([['a'], []])
  })

  test('gives no place to what a document holds that is left alone', () => {
    expect(partsOf(spread(['a', 'b'], [document('one', [], 1)], ['a']))).toEqual([['b']])
  })

  test('has a watermark in every document once the sum is full', () => {
    const list = spread(['a', 'b', 'c', 'd', 'e'], [document('one', [], 2), document('two', [], 2)])
    expect(list.whole.agents).toMatchObject([{ agent: AGENT }])
    for (const part of list.parts.values()) expect(part.agents).toEqual(list.whole.agents)
  })
})

describe('a policy that is attached to roles', () => {
  const grants = Array.from({ length: 3 }, () => randomIds.next('grt', NOW)).sort()
  const before = new Date(NOW.getTime() + 60_000)
  const list = { grants, agents: [{ agent: AGENT, before }], watermark: NOW }

  test('allows nothing, and denies nobody while its list is empty', () => {
    for (const content of [list, { grants: [] }]) expect(attachedDocument(content)).not.toContain('Allow')
    const session = {
      sourceIdentity: idBody(grants[0] ?? ''),
      userId: `AROA:${idBody(grants[0] ?? '')}.1.x`,
      issuedAt: NOW,
    }
    expect(deniesSession(attachedDocument({ grants: [] }), session)).toBe(false)
    expect(deniesSession(attachedDocument(list), session)).toBe(true)
    expect(policyCharacters(attachedDocument({ grants: [] }))).toBeLessThan(200)
  })

  test('is read back as what it denies', () => {
    for (const denyBy of ['both', 'userid', 'sourceIdentity'] as const) {
      const { denies } = readContent(attachedDocument(list, { denyBy, twice: 'all' }))
      for (const grantId of grants) expect(denies.names(grantId)).toBe(true)
      expect(denies.names(randomIds.next('grt', NOW))).toBe(false)
      const covers = (ms: number, more: object = {}) =>
        denies.covers({ grantId: 'grt_x', lastIssuedAt: new Date(NOW.getTime() + ms), ...more })
      expect([covers(-1), covers(0)]).toEqual([true, false])
      const own = { agent: AGENT, named: true }
      expect([covers(59_999, own), covers(60_000, own), covers(59_999, { agent: AGENT })]).toEqual([true, false, false])
    }
  })

  for (const { name, edit } of [
    { name: 'an Allow', edit: { Effect: 'Allow' } },
    { name: 'of one action', edit: { Action: 's3:*' } },
    { name: 'on one resource', edit: { Resource: 'arn:aws:s3:::a' } },
    {
      name: 'with another condition beside it',
      edit: {
        Condition: {
          StringLike: { 'aws:userid': `*:${idBody(grants[0] ?? '')}.*` },
          Bool: { 'aws:ViaAWSService': 'false' },
        },
      },
    },
    { name: 'for a principal', edit: { NotPrincipal: '*' } },
  ])
    test(`counts for nothing where its statement is ${name}`, () => {
      const Condition = { StringLike: { 'aws:userid': `*:${idBody(grants[0] ?? '')}.*` } }
      const statement = { Effect: 'Deny', Action: '*', Resource: '*', Condition }
      const read = (one: object) => readContent(JSON.stringify({ Statement: [one] })).denies.names(grants[0] ?? '')
      expect(read(statement)).toBe(true)
      expect(read({ ...statement, ...edit })).toBe(false)
    })
})

test('each document of a list is found by its key, in the account of its role', () => {
  const rule = (arn: string): RevocationRule => ({
    arn,
    revocation: {
      kind: 'boundary',
      policyArn: 'arn:aws:iam::{account}:policy/b',
      furtherPolicyArns: ['arn:aws:iam::{account}:policy/d2', 'arn:aws:iam::{account}:policy/d3'],
      revoker: { roleArn: 'arn:aws:iam::{account}:role/revoker' },
    },
  })
  const rules = [rule('arn:aws:iam::*:role/stint/*'), rule('arn:aws:iam::111111111111:role/one')]
  const locations = new DenyListLocations(new RoleRules(rules), rules)
  for (const account of ['111111111111', '222222222222']) {
    const key = locations.findList(`arn:aws:iam::${account}:role/stint/x`)?.key ?? ''
    const keys = locations.listDocuments(key)
    expect(keys).toEqual([key, ...['d2', 'd3'].map((name) => `attached:arn:aws:iam::${account}:policy/${name}`)])
    for (const each of keys) expect(locations.find(each)?.place.accountId).toBe(account)
    expect(locations.find(keys[1] ?? '')?.document).toEqual({
      kind: 'attached',
      policyArn: `arn:aws:iam::${account}:policy/d2`,
    })
  }
  expect(locations.listDocuments('boundary:arn:aws:iam::111111111111:policy/other')).toEqual([])
})
