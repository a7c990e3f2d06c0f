import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { agentName, carriesAgent } from '../../src/credentials/aws-sts/agent-name.ts'
import { boundaryDocument, inlineDocument, policyCharacters } from '../../src/credentials/aws-sts/deny/deny-document.ts'
import { readContent } from '../../src/credentials/aws-sts/deny/document-mark.ts'
import { type DenyCandidate, planDenyList } from '../../src/credentials/deny-list.ts'
import type { DenyListContent } from '../../src/credentials/provider.ts'
import { deniesSession } from '../support/deny-evaluator.ts'

const START = Date.parse('2026-11-21T12:00:00Z')
const body = (n: number) => `01KAM${n.toString().padStart(21, '0')}`
const grant = (n: number) => `grt_${body(n)}`
const entry = (n: number, issuedAtS: number): DenyCandidate => ({
  grantId: grant(n),
  lastIssuedAt: new Date(START + issuedAtS * 1_000),
})
const room =
  (names: number) =>
  ({ grants }: DenyListContent) =>
    grants.length <= names
const at = (seconds: number) => new Date(START + seconds * 1_000)

// printf %s NAME | openssl dgst -sha256 -binary | base32 | cut -c1-12 | tr A-Z a-z
for (const [subject, name] of [
  ['spiffe://example.org/bot', 'yf5h5vgzv7bx'],
  ['', '4oymiquy7qob'],
] as const)
  test(`${JSON.stringify(subject)} is called ${name} in the names of its sessions`, () => {
    expect(agentName(subject)).toBe(name)
    expect(carriesAgent(`${body(1)}.7.${name}`)).toBe(true)
    expect(carriesAgent(`${body(1)}.7`)).toBe(false)
  })

describe('a deny document', () => {
  test('as a boundary allows all else and denies by both keys, by agent and by time of issue', () => {
    const text = boundaryDocument({
      grants: [grant(2), grant(1), grant(2)],
      agents: [
        { agent: 'spiffe://example.org/b', before: at(-1.5) },
        { agent: 'spiffe://example.org/a', before: at(-1) },
        { agent: 'spiffe://example.org/c', before: at(-60) },
      ],
      watermark: at(0),
    })
    const name = (subject: string) => `*.${agentName(subject)}`
    expect(JSON.parse(text)).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Sid: 'StintAllow', Effect: 'Allow', Action: '*', Resource: '*' },
        {
          Sid: 'StintDeny',
          Effect: 'Deny',
          Action: '*',
          Resource: '*',
          Condition: { StringEquals: { 'aws:SourceIdentity': [body(1), body(2)] } },
        },
        {
          Sid: 'StintDenyByName',
          Effect: 'Deny',
          Action: '*',
          Resource: '*',
          Condition: { StringLike: { 'aws:userid': [`*:${body(1)}.*`, `*:${body(2)}.*`] } },
        },
        {
          Effect: 'Deny',
          Action: '*',
          Resource: '*',
          Condition: {
            StringLike: { 'aws:userid': [name('spiffe://example.org/c')] },
            DateLessThan: { 'aws:TokenIssueTime': '2026-11-21T11:59:00Z' },
          },
        },
        {
          Effect: 'Deny',
          Action: '*',
          Resource: '*',
          Condition: {
            StringLike: { 'aws:userid': [name('spiffe://example.org/a'), name('spiffe://example.org/b')].sort() },
            DateLessThan: { 'aws:TokenIssueTime': '2026-11-21T11:59:59Z' },
          },
        },
        {
          Sid: 'StintWatermark',
          Effect: 'Deny',
          Action: '*',
          Resource: '*',
          Condition: { DateLessThan: { 'aws:TokenIssueTime': '2026-11-21T12:00:00Z' } },
        },
      ],
    })
  })

  test('as a boundary for an empty list allows everything: a boundary without an Allow would stop every lease', () => {
    expect(JSON.parse(boundaryDocument({ grants: [] })).Statement).toEqual([
      { Sid: 'StintAllow', Effect: 'Allow', Action: '*', Resource: '*' },
    ])
  })

  test('as an inline policy holds nothing but denies, by session name', () => {
    const { Statement } = JSON.parse(inlineDocument({ grants: [grant(1)], watermark: at(0.5) }) ?? '')
    expect(Statement.map((statement: { Effect: string }) => statement.Effect)).toEqual(['Deny', 'Deny'])
    expect(Statement[0].Condition).toEqual({ StringLike: { 'aws:userid': [`*:${body(1)}.*`] } })
    expect(Statement[1].Condition).toEqual({ DateLessThan: { 'aws:TokenIssueTime': '2026-11-21T12:00:01Z' } })
    expect(inlineDocument({ grants: [] })).toBeUndefined()
  })

  for (const bad of [
    '*',
    '',
    '?'.repeat(26),
    `grt_${'?'.repeat(26)}`,
    `${grant(1)}*`,
    grant(1).toLowerCase(),
    body(1),
    `${grant(1)}\n`,
  ])
    test(`is not written with ${JSON.stringify(bad)} as a grant`, () => {
      expect(() => boundaryDocument({ grants: [bad] })).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
      expect(() => inlineDocument({ grants: [bad] })).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
    })

  for (const [denyBy, twice, statements] of [
    ['sourceIdentity', 'all', [{ StringEquals: { 'aws:SourceIdentity': [body(1), body(2)] } }]],
    ['userid', 'all', [{ StringLike: { 'aws:userid': [`*:${body(1)}.*`, `*:${body(2)}.*`] } }]],
    [
      'both',
      'chaining',
      [
        { StringEquals: { 'aws:SourceIdentity': [body(2)] } },
        { StringLike: { 'aws:userid': [`*:${body(1)}.*`, `*:${body(2)}.*`] } },
      ],
    ],
  ] as const)
    test(`as a boundary by ${denyBy}, ${twice}, names the sessions so`, () => {
      const list = { grants: [grant(1), grant(2)], chaining: [grant(2)] }
      const [, ...denies] = JSON.parse(boundaryDocument(list, { denyBy, twice })).Statement
      expect(denies.map(({ Condition }: { Condition: object }) => Condition)).toEqual(statements)
    })

  test('carries its writer in a Sid, which changes nothing of what it says', () => {
    const mark = { ledgerId: '01KAM0123ABC', epoch: 3, sequence: 42 }
    const list = { grants: [grant(1)] }
    for (const [plain, marked] of [
      [boundaryDocument(list), boundaryDocument(list, { denyBy: 'both', twice: 'all', mark })],
      [inlineDocument(list), inlineDocument(list, { mark })],
    ] as const) {
      expect(readContent(marked)).toMatchObject({ digest: readContent(plain).digest, mark })
      expect(readContent(plain).mark).toBeUndefined()
      expect(
        JSON.parse(marked ?? '').Statement.filter(({ Sid }: { Sid?: string }) => !/^[A-Za-z0-9]*$/.test(Sid ?? '')),
      ).toEqual([])
    }
  })

  test('is the same in another order, spelling or layout, and another one with any other content', () => {
    const text = boundaryDocument({ grants: [grant(1), grant(2)], watermark: at(0) })
    const { Version, Statement } = JSON.parse(text)
    const same = { Statement: Statement.toReversed().map((one: object) => ({ ...one, Action: ['*'] })), Version }
    same.Statement[1].Condition.StringLike['aws:userid'].reverse()
    expect(readContent(JSON.stringify(same, null, 2)).digest).toBe(readContent(text).digest)
    for (const change of [
      boundaryDocument({ grants: [grant(1)], watermark: at(0) }),
      boundaryDocument({ grants: [grant(1), grant(2)], watermark: at(1) }),
      text.replace('"Effect":"Deny"', '"Effect":"Allow"'),
      JSON.stringify({ Version, Statement: Statement.slice(0, 3) }),
      'not JSON',
      undefined,
    ])
      expect(readContent(change).digest).not.toBe(readContent(text).digest)
  })

  // Managed policy 6,144 characters, inline policies 10,240 in sum; white space is not counted: IAM quotas page.
  test('holds about two hundred grants by one key and more than three hundred inline', () => {
    const list = (n: number) => ({ grants: Array.from({ length: n }, (_, i) => grant(i)) })
    const bySource = (n: number) => boundaryDocument(list(n), { denyBy: 'sourceIdentity', twice: 'all' })
    const byName = (n: number) => boundaryDocument(list(n), { denyBy: 'both', twice: 'chaining' })
    expect(policyCharacters(bySource(203))).toBeLessThanOrEqual(6_144)
    expect(policyCharacters(bySource(206))).toBeGreaterThan(6_144)
    expect(policyCharacters(byName(178))).toBeLessThanOrEqual(6_144)
    expect(policyCharacters(byName(182))).toBeGreaterThan(6_144)
    expect(policyCharacters(inlineDocument(list(305)))).toBeLessThanOrEqual(10_240)
    expect(policyCharacters(' {\n"a" : 1 }\t')).toBe(7)
  })
})

describe('the planned deny list', () => {
  test('names every entry when all fit, and needs no watermark', () => {
    expect(planDenyList({ entries: [entry(1, 5), entry(2, 9)], fits: room(2) })).toEqual({
      grants: [grant(2), grant(1)],
    })
  })

  test('is empty for no entries, and lets a watermark go that covers nobody any more', () => {
    expect(planDenyList({ entries: [], fits: room(1), currentWatermark: at(60) })).toEqual({ grants: [] })
    expect(planDenyList({ entries: [entry(1, 61)], fits: room(1), currentWatermark: at(60) })).toEqual({
      grants: [grant(1)],
    })
  })

  test('keeps the newest by name and covers the oldest by a watermark above them, when not all fit', () => {
    const entries = [entry(1, 10), entry(2, 20.4), entry(3, 30), entry(4, 40)]
    expect(planDenyList({ entries, fits: room(2) })).toEqual({ grants: [grant(4), grant(3)], watermark: at(22) })
  })

  test('does not name what the watermark covers', () => {
    const entries = [entry(1, 10), entry(2, 10), entry(3, 10), entry(4, 40)]
    expect(planDenyList({ entries, fits: room(3) })).toEqual({ grants: [grant(4)], watermark: at(11) })
  })

  test('never lowers a watermark while an entry under it lives', () => {
    const list = planDenyList({ entries: [entry(1, 10), entry(2, 100)], fits: room(5), currentWatermark: at(60) })
    expect(list).toEqual({ grants: [grant(2)], watermark: at(60) })
  })

  test('names an entry that lies too close under the watermark to be surely covered', () => {
    const list = planDenyList({ entries: [entry(1, 10), entry(2, 59.5)], fits: room(5), currentWatermark: at(60) })
    expect(list).toEqual({ grants: [grant(2)], watermark: at(60) })
  })

  test('takes the newest time of a grant that is given twice', () => {
    const list = planDenyList({ entries: [entry(1, 10), entry(1, 50), entry(2, 30)], fits: room(1) })
    expect(list).toEqual({ grants: [grant(1)], watermark: at(31) })
  })

  test('leaves a wider margin under the watermark where issue times are less sure', () => {
    const list = planDenyList({ entries: [entry(1, 10), entry(2, 200)], fits: room(1), marginMs: 60_000 })
    expect(list).toEqual({ grants: [grant(2)], watermark: at(70) })
  })
})

/** A small world: sessions, the wanted entries, what IAM holds, and what the record says of the watermark. */
interface World {
  nowS: number
  nextGrant: number
  readonly sessions: { grantId: string; issuedAt: Date; endsAtS: number; deniedByWrite: boolean }[]
  readonly wanted: Map<string, { lastIssuedAt: Date; untilS: number }>
  document: string | undefined
  recordedWatermark: Date | undefined
}

type Step =
  | { readonly kind: 'mint'; readonly lifeS: number }
  | { readonly kind: 'renew'; readonly pick: number; readonly lifeS: number }
  | { readonly kind: 'deny'; readonly pick: number }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'reconcile'; readonly crash: 'none' | 'before_write' | 'before_record' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('mint' as const), lifeS: fc.integer({ min: 60, max: 900 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('renew' as const),
      pick: fc.nat(),
      lifeS: fc.integer({ min: 60, max: 900 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('deny' as const), pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.double({ min: 0.1, max: 300, noNaN: true }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('reconcile' as const),
      crash: fc.constantFrom('none' as const, 'before_write' as const, 'before_record' as const),
    }),
  },
)

const placements = {
  boundary: (list: DenyListContent) => boundaryDocument(list),
  inline: (list: DenyListContent) => inlineDocument(list),
}

for (const [placement, write] of Object.entries(placements)) {
  test(`reconciling by ${placement} never frees a live denied session, across crashes, repeats and overflow`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), fc.integer({ min: 0, max: 4 }), (steps, names) => {
        const world: World = {
          nowS: 0,
          nextGrant: 1,
          sessions: [],
          wanted: new Map(),
          document: undefined,
          recordedWatermark: undefined,
        }
        for (const taken of steps) {
          apply(world, taken, names, write)
          for (const session of world.sessions)
            if (session.deniedByWrite && session.endsAtS > world.nowS) expect(isDenied(world, session)).toBe(true)
        }
      }),
      { numRuns: 600 },
    )
  })
}

function apply(world: World, taken: Step, names: number, write: (list: DenyListContent) => string | undefined): void {
  if (taken.kind === 'wait') world.nowS += taken.seconds
  if (taken.kind === 'mint') mint(world, grant(world.nextGrant++), taken.lifeS)
  if (taken.kind === 'renew') {
    const session = picked(world, taken.pick)
    if (session && !world.wanted.has(session.grantId)) mint(world, session.grantId, taken.lifeS)
  }
  if (taken.kind === 'deny') want(world, picked(world, taken.pick)?.grantId)
  if (taken.kind === 'reconcile') reconcile(world, taken.crash, names, write)
}

function mint(world: World, grantId: string, lifeS: number): void {
  world.sessions.push({ grantId, issuedAt: at(world.nowS), endsAtS: world.nowS + lifeS, deniedByWrite: false })
}

function picked(world: World, pick: number) {
  return world.sessions[pick % Math.max(1, world.sessions.length)]
}

function want(world: World, grantId: string | undefined): void {
  if (grantId === undefined) return
  const sessions = world.sessions.filter((session) => session.grantId === grantId)
  world.wanted.set(grantId, {
    lastIssuedAt: new Date(Math.max(...sessions.map((session) => session.issuedAt.getTime()))),
    untilS: Math.max(...sessions.map((session) => session.endsAtS)) + 60,
  })
}

function reconcile(
  world: World,
  crash: 'none' | 'before_write' | 'before_record',
  names: number,
  write: (list: DenyListContent) => string | undefined,
): void {
  const live = [...world.wanted].filter(([, entry]) => entry.untilS > world.nowS)
  const list = planDenyList({
    entries: live.map(([grantId, { lastIssuedAt }]) => ({ grantId, lastIssuedAt })),
    fits: room(names),
    ...(world.recordedWatermark ? { currentWatermark: world.recordedWatermark } : {}),
  })
  if (crash === 'before_write') return
  world.document = write(list)
  for (const session of world.sessions)
    if (live.some(([grantId]) => grantId === session.grantId)) session.deniedByWrite = true
  if (crash === 'before_record') return
  world.recordedWatermark = list.watermark
}

function isDenied(world: World, session: World['sessions'][number]): boolean {
  return deniesSession(world.document, {
    sourceIdentity: idBody(session.grantId),
    userId: `AROAEXAMPLE:${idBody(session.grantId)}.1`,
    issuedAt: session.issuedAt,
  })
}
