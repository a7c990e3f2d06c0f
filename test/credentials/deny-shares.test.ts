import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { agentName } from '../../src/credentials/aws-sts/agent-name.ts'
import { policyCharacters } from '../../src/credentials/aws-sts/deny/deny-document.ts'
import type { DenyDocument } from '../../src/credentials/aws-sts/deny/deny-list-locations.ts'
import { DocumentRoom } from '../../src/credentials/aws-sts/deny/document-room.ts'
import { type DenyCandidate, planDenyList } from '../../src/credentials/deny-list.ts'
import type { DenyListContent } from '../../src/credentials/provider.ts'
import { deniesSession, readDenies } from '../support/deny-evaluator.ts'
import { ManualClock } from '../support/manual-clock.ts'

const START = Date.parse('2026-11-21T12:00:00Z')
const at = (seconds: number) => new Date(START + seconds * 1_000)
const grant = (n: number) => `grt_01KAM${n.toString().padStart(21, '0')}`

const BOUNDARY: DenyDocument = { kind: 'boundary', policyArn: 'arn:aws:iam::123456789012:policy/stint-boundary' }
const INLINE: DenyDocument = { kind: 'inline', roleName: 'data', policyName: 'StintDeny' }

/** A session with its own end and the wish to deny it, if there is one. */
interface Session {
  readonly agent: string
  readonly grantId: string
  readonly issuedS: number
  readonly wanted: boolean
  readonly urgent?: boolean
  readonly chains?: boolean
  readonly legacy?: boolean
}

function planned(sessions: readonly Session[], document: DenyDocument = BOUNDARY) {
  const room = new DocumentRoom({ otherInlineCharacters: 4_096, denyBy: 'both', clock: new ManualClock() })
  const entries = sessions.filter(({ wanted }) => wanted).map(toEntry)
  const list = planDenyList({ entries, fits: (candidate, spare) => room.fits('it', document, candidate, spare) })
  const text = room.text('it', document, list)
  const denies = readDenies(text)
  return { list, text, entries, isCut: (session: Session) => denies(toContext(session)) }
}

function toEntry({ agent, grantId, issuedS, urgent, chains, legacy }: Session): DenyCandidate {
  return {
    grantId,
    agent,
    named: !legacy,
    lastIssuedAt: at(issuedS),
    ...(urgent && { urgent }),
    ...(chains && { chains }),
  }
}

function toContext({ agent, grantId, issuedS, legacy }: Session) {
  const name = `${idBody(grantId)}.1${legacy ? '' : `.${agentName(agent)}`}`
  return { sourceIdentity: idBody(grantId), userId: `AROAEXAMPLE:${name}`, issuedAt: at(issuedS) }
}

/** Sessions of one agent that end at an even pace, the newest last; `n` is where its grants begin. */
function flood(agent: string, count: number, n: number, over: Partial<Session> = {}): Session[] {
  return Array.from({ length: count }, (_, i) => ({
    agent,
    grantId: grant(n + i),
    issuedS: (i * 300) / count,
    wanted: true,
    ...over,
  }))
}

describe('places in a deny document', () => {
  test('one agent floods, and its own older sessions are all that it costs', () => {
    const quiet = flood('spiffe://example.org/quiet', 5, 100_000)
    const live = flood('spiffe://example.org/quiet', 50, 200_000, { wanted: false })
    const flooding = flood('spiffe://example.org/busy', 6_000, 0)
    const { list, isCut } = planned([...flooding, ...quiet, ...live])
    expect(list.watermark).toBeUndefined()
    expect(list.agents?.map(({ agent }) => agent)).toEqual(['spiffe://example.org/busy'])
    expect(flooding.every(isCut)).toBe(true)
    expect(quiet.every(isCut)).toBe(true)
    expect(live.filter(isCut)).toEqual([])
  })

  test('an agent comes back from its watermark as soon as its entries fit', () => {
    const flooding = flood('busy', 6_000, 0)
    expect(planned(flooding).list.agents).toHaveLength(1)
    expect(planned(flooding.slice(-100)).list).toEqual({ grants: expect.any(Array) })
  })

  test('its newest entries are named, so that the watermark stays as far back as it can', () => {
    const { list } = planned(flood('busy', 6_000, 0))
    const issued = (list.agents?.[0]?.before.getTime() ?? 0) / 1_000 - START / 1_000
    expect(list.grants.length).toBeGreaterThan(100)
    // 20 a second: about 130 named ones are the last seven seconds.
    expect(issued).toBeGreaterThan(290)
    expect(issued).toBeLessThan(297)
  })

  test('what operators revoke is named while agents fill the document', () => {
    const revoked = flood('other', 10, 50_000, { urgent: true })
    const { list, isCut } = planned([...flood('busy', 6_000, 0), ...revoked])
    expect(list.grants).toEqual(expect.arrayContaining(revoked.map(({ grantId }) => grantId)))
    expect(revoked.every(isCut)).toBe(true)
  })

  test('room is left for operators, however much agents want', () => {
    const room = new DocumentRoom({ otherInlineCharacters: 0, denyBy: 'both', clock: new ManualClock() })
    const { list } = planned([...flood('a', 500, 0), ...flood('b', 500, 1_000)])
    expect(room.fits('it', BOUNDARY, list, 16)).toBe(true)
  })

  test('an operator that ends more than there is room for costs the agents that were meant', () => {
    const killed = flood('killed', 1_000, 0, { urgent: true })
    const other = flood('other', 20, 50_000)
    const live = flood('other', 20, 60_000, { wanted: false })
    const { list, isCut } = planned([...killed, ...other, ...live])
    expect(list.agents?.map(({ agent }) => agent)).toEqual(['killed'])
    expect(list.watermark).toBeUndefined()
    expect([...killed, ...other].every(isCut)).toBe(true)
    expect(live.filter(isCut)).toEqual([])
  })

  test('sessions from before agents were in their names are named one by one', () => {
    const legacy = flood('busy', 100, 0, { legacy: true })
    const { list, isCut } = planned([...flood('busy', 1_000, 10_000), ...legacy])
    expect(list.watermark).toBeUndefined()
    expect(legacy.every(isCut)).toBe(true)
  })

  test('grants that can chain are named first, by the key that chained sessions inherit', () => {
    const chaining = flood('busy', 20, 0, { chains: true, issuedS: 1 })
    const { list, text } = planned([...flood('busy', 1_000, 10_000), ...chaining])
    expect([...(list.chaining ?? [])].sort()).toEqual(chaining.map(({ grantId }) => grantId).sort())
    for (const { grantId } of chaining)
      expect(
        deniesSession(text, { sourceIdentity: idBody(grantId), userId: 'AROAOTHER:chained', issuedAt: at(299) }),
      ).toBe(true)
  })

  test('more agents than there is room for each to have a watermark share some, and nobody else is cut', () => {
    const busy = Array.from({ length: 100 }, (_, n) => flood(`agent-${n}`, 50 + n, n * 1_000)).flat()
    const quiet = flood('quiet', 1, 900_000)
    const live = flood('quiet', 20, 950_000, { wanted: false })
    const { list, isCut } = planned([...busy, ...quiet, ...live])
    expect(list.watermark).toBeUndefined()
    expect([...busy, ...quiet].every(isCut)).toBe(true)
    expect(live.filter(isCut)).toEqual([])
    expect(new Set(list.agents?.map(({ before }) => before.getTime())).size).toBeGreaterThan(5)
  })

  test('agents that share a watermark are cut no later than it must be: one that floods is not waited for by the others', () => {
    // They completed one after the other, a second apart; the last one still does.
    const busy = Array.from({ length: 100 }, (_, n) =>
      flood(`agent-${n}`, 5, n * 10).map((session, i) => ({ ...session, issuedS: n + i / 10 })),
    ).flat()
    const { list } = planned([...busy, ...flood('agent-99', 2_000, 900_000)])
    const latenessS = (list.agents ?? []).map(({ agent, before }) => {
      const own = agent === 'agent-99' ? 300 : Number(agent.slice('agent-'.length)) + 0.4
      return (before.getTime() - START) / 1_000 - own
    })
    expect(list.agents?.length).toBeGreaterThan(50)
    expect(Math.max(...latenessS)).toBeLessThan(8)
  })

  test('the common watermark comes when not even the names of all agents fit', () => {
    const agents = (count: number) => Array.from({ length: count }, (_, n) => flood(`agent-${n}`, 3, n * 10)).flat()
    expect(planned(agents(250)).list.watermark).toBeUndefined()
    const { list, entries, isCut } = planned(agents(600))
    expect(list.watermark).toBeDefined()
    expect(entries.length).toBe(1_800)
    expect(agents(600).every(isCut)).toBe(true)
  })
})

const arrival = fc.record({
  agent: fc.integer({ min: 0, max: 24 }),
  issuedS: fc.double({ min: 0, max: 400, noNaN: true }),
  count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 100, max: 400 })),
  wanted: fc.boolean(),
  urgent: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
})

for (const [name, document] of [
  ['boundary', BOUNDARY],
  ['inline policy', INLINE],
] as const)
  test(`by ${name}, whatever arrives: each wanted deny is covered, nobody's volume cuts another agent, and the text fits`, () => {
    fc.assert(
      fc.property(fc.array(arrival, { minLength: 1, maxLength: 25 }), (arrivals) => {
        let next = 0
        const sessions = arrivals.flatMap(({ agent, issuedS, count, wanted, urgent }) =>
          Array.from({ length: count }, (_, i) => ({
            agent: `agent-${agent}`,
            grantId: grant(next++),
            issuedS: issuedS + i / 7,
            wanted,
            ...(wanted && urgent && { urgent }),
          })),
        )
        const { list, text, isCut } = planned(sessions, document)
        expect(policyCharacters(text)).toBeLessThanOrEqual(6_144)
        expect(list.watermark).toBeUndefined()
        const newestWanted = new Map<string, number>()
        for (const { agent, issuedS, wanted } of sessions)
          if (wanted) newestWanted.set(agent, Math.max(issuedS, newestWanted.get(agent) ?? 0))
        const wantedOf = Map.groupBy(
          sessions.filter(({ wanted }) => wanted),
          ({ agent }) => agent,
        )
        const share = Math.floor(100 / Math.max(1, wantedOf.size))
        for (const session of sessions) {
          if (session.wanted) expect(isCut(session)).toBe(true)
          else if (isCut(session)) {
            // Only by an own watermark, which lies no later than the own newest entry, to the second …
            expect(session.issuedS).toBeLessThan((newestWanted.get(session.agent) ?? 0) + 2)
            // … and only for who wants more than an equal share.
            expect(wantedOf.get(session.agent)?.length).toBeGreaterThan(share)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

test('the plan for ten thousand entries takes few looks at the room', () => {
  let looks = 0
  const sessions = flood('busy', 10_000, 0)
  planDenyList({
    entries: sessions.map(toEntry),
    fits: (list: DenyListContent) => {
      looks += 1
      return list.grants.length <= 100
    },
  })
  expect(looks).toBeLessThan(40)
})
