import { describe, expect, test } from 'vitest'
import type { DenyEntry, DenyList } from '../../../src/ledger/records.ts'
import {
  claimedDenyList,
  denyEntryAfterWrite,
  dueDenyList,
  enforcedDenyEntry,
  failedDenyList,
  isClaimable,
  isNeeded,
  mendedDenyList,
  newDenyList,
  requireClaim,
  wantedDenyEntry,
  watermarkOver,
  writtenDenyList,
} from '../../../src/ledger/rules/deny-list-rules.ts'
import { at, conflict, now } from './rule-samples.ts'

describe('the deny list', () => {
  const entry: DenyEntry = { grantId: 'grt_1', listKey: 'a', wantedAt: now, until: at(100), lastIssuedAt: now }
  const inDocument: DenyEntry = { ...entry, writtenAt: at(1), enforcedAt: at(2) }
  const wish = { listKey: 'a', wantedAt: at(5), until: at(50), lastIssuedAt: now }
  const claimed: DenyList = {
    key: 'a',
    attempts: 2,
    claimVersion: 3,
    claimedBy: 'one',
    claimedUntil: at(30),
    lastError: 'x',
    watermark: now,
    nextAttemptAt: at(1),
  }
  const free = { key: 'a', attempts: 0, claimVersion: 3 }

  test('a wish makes an entry, and a second one only lengthens it', () => {
    expect(wantedDenyEntry(undefined, 'grt_1', wish)).toEqual({ grantId: 'grt_1', ...wish })
    expect(wantedDenyEntry(inDocument, 'grt_1', wish)).toEqual(inDocument)
    const longer = wantedDenyEntry(inDocument, 'grt_1', { ...wish, until: at(200) })
    expect(longer).toEqual({ ...inDocument, until: at(200) })
  })

  test('a lease issued later than known before makes the entry unwritten', () => {
    expect(wantedDenyEntry(inDocument, 'grt_1', { ...wish, lastIssuedAt: at(3) })).toEqual({
      ...entry,
      lastIssuedAt: at(3),
    })
    const older = wantedDenyEntry(inDocument, 'grt_1', { ...wish, lastIssuedAt: at(-3) })
    expect(older).toEqual(inDocument)
  })

  // The configuration may have given its role another one meanwhile.
  test('a grant stays on its deny list, and takes on what a wish for another one wants', () => {
    const wanted = { ...wish, listKey: 'b', until: at(200), urgent: true }
    expect(wantedDenyEntry(entry, 'grt_1', wanted)).toEqual({ ...entry, until: at(200), urgent: true })
  })

  test('a deny list is due at the sooner of two instants', () => {
    expect(newDenyList('a')).toEqual({ key: 'a', attempts: 0, claimVersion: 0 })
    expect(dueDenyList(free, at(5)).nextAttemptAt).toEqual(at(5))
    expect(dueDenyList({ ...free, nextAttemptAt: at(3) }, at(5)).nextAttemptAt).toEqual(at(3))
    expect(dueDenyList({ ...free, nextAttemptAt: at(9) }, at(5)).nextAttemptAt).toEqual(at(5))
  })

  for (const { name, list, claimable } of [
    { name: 'with nothing to write', list: free, claimable: false },
    { name: 'that is due now', list: { ...free, nextAttemptAt: now }, claimable: true },
    { name: 'that is due later', list: { ...free, nextAttemptAt: at(1) }, claimable: false },
    { name: 'that is claimed', list: { ...free, nextAttemptAt: now, claimedUntil: at(1) }, claimable: false },
    {
      name: 'that a clock put off which has stepped back since',
      list: { ...free, nextAttemptAt: at(120_001) },
      claimable: true,
    },
    {
      name: 'that a clock claimed which has stepped back since',
      list: { ...free, nextAttemptAt: now, claimedUntil: at(120_001) },
      claimable: true,
    },
    { name: 'whose claim has run out', list: { ...free, nextAttemptAt: now, claimedUntil: now }, claimable: true },
  ]) {
    test(`a deny list ${name} is ${claimable ? '' : 'not '}to be claimed`, () =>
      expect(isClaimable(list, now)).toBe(claimable))
  }

  test('P6: a damaged deny list is due at once and keeps what can be read', () => {
    const mended = mendedDenyList({ key: 'a', claimVersion: 3, watermark: at(-5) }, now)
    expect(mended).toMatchObject({ key: 'a', nextAttemptAt: now, attempts: 0, watermark: at(-5), claimVersion: 3 })
    expect(mended.lastError).toContain('damaged')
    expect(isClaimable(mended, now)).toBe(true)
    expect(mendedDenyList({ key: 'a', claimVersion: 3, watermark: null }, now).watermark).toBeUndefined()
  })

  test('P6: a lost watermark becomes one that denies all until now, and a lost version one that nobody had', () => {
    const instant = new Date('2026-01-01T00:00:00.001Z')
    const mended = mendedDenyList({ key: 'a', claimVersion: undefined, watermark: undefined }, instant)
    expect(mended.watermark).toEqual(new Date('2026-01-01T00:00:01Z'))
    expect(mended.lastError).toContain('lost watermark')
    expect(mended.claimVersion).toBe(instant.getTime())
  })

  test('a claim is fenced by its version', () => {
    const list = claimedDenyList(free, { owner: 'two', claimUntil: at(30) })
    expect(list).toMatchObject({ claimedBy: 'two', claimedUntil: at(30), claimVersion: 4 })
    expect(requireClaim(list, { listKey: 'a', claimVersion: 4 })).toBe(list)
    expect(() => requireClaim(list, { listKey: 'a', claimVersion: 3 })).toThrow(conflict)
    expect(() => requireClaim({ ...free, claimVersion: 4 }, { listKey: 'a', claimVersion: 4 })).toThrow(conflict)
    expect(() => requireClaim(undefined, { listKey: 'a', claimVersion: 4 })).toThrow(conflict)
  })

  describe('the claims of a deny list', () => {
    const claim = { owner: 'one', claimUntil: at(30) }

    test('are not kept where one process at a time has the ledger', () =>
      expect(claimedDenyList(free, claim)).not.toHaveProperty('claims'))

    test('keep the last one of each opening, the latest last', () => {
      const all = [7, 5, 7].reduce<DenyList>((list, epoch) => claimedDenyList(list, claim, epoch), free)
      expect(all.claims).toEqual([
        { epoch: 5, version: 5 },
        { epoch: 7, version: 6 },
      ])
    })

    test('begin anew after claims of a release that does not note them, whose writes are ours too', () => {
      const noted = claimedDenyList(free, claim, 5)
      const unnoted = claimedDenyList(noted, claim)
      expect(claimedDenyList(unnoted, claim, 7).claims).toEqual([{ epoch: 7, version: 6 }])
    })

    test('outlast a claim that gave its number back', () => {
      const noted = claimedDenyList(claimedDenyList(free, claim, 5), claim, 6)
      const given = failedDenyList(noted, { error: 'x', at: now, nextAttemptAt: now, unsent: true })
      expect(claimedDenyList(given, claim, 7).claims?.map(({ epoch }) => epoch)).toEqual([5, 6, 7])
    })

    test('are bounded', () => {
      const openings = Array.from({ length: 40 }, (_, epoch) => epoch)
      const all = openings.reduce<DenyList>((list, epoch) => claimedDenyList(list, claim, epoch), free)
      expect(all.claims?.map(({ epoch }) => epoch)).toEqual(openings.slice(-16))
    })
  })

  test('P6: an entry is needed until its last session is over', () => {
    expect(isNeeded(entry, at(99))).toBe(true)
    expect(isNeeded(entry, at(100))).toBe(false)
  })

  const afterWrite = (found: DenyEntry, listed: string[], removed: string[], ms: number, byWatermark: string[] = []) =>
    denyEntryAfterWrite(found, {
      listed: new Set(listed),
      byWatermark: new Set(byWatermark),
      removed: new Set(removed),
      at: at(ms),
    })

  for (const { name, list, agents, until } of [
    { name: 'without a watermark', list: free, agents: [], until: undefined },
    { name: "with another agent's", list: free, agents: [{ agent: 'b', before: at(9) }], until: undefined },
    { name: 'with its own', list: free, agents: [{ agent: 'a', before: at(9) }], until: at(9) },
    { name: "with everybody's", list: { ...free, watermark: at(5) }, agents: [], until: at(5) },
    {
      name: "with everybody's after its own",
      list: { ...free, watermark: at(12) },
      agents: [{ agent: 'a', before: at(9) }],
      until: at(12),
    },
  ]) {
    test(`an agent ${name} is denied ${until ? 'until the later watermark' : 'by no watermark'}`, () =>
      expect(watermarkOver('a', list, agents)).toEqual(until))
  }

  for (const { name, entry: found, look, enforcedAt, writtenAt } of [
    { name: 'after its time to settle', entry: { writtenAt: at(1) }, look: { settledBy: at(1) }, enforcedAt: at(31) },
    { name: 'before its time to settle is over', entry: { writtenAt: at(2) }, look: { settledBy: at(1) } },
    {
      name: 'that finds the document changed',
      entry: { writtenAt: at(1) },
      look: { anew: new Set(['grt_1']) },
      writtenAt: at(31),
    },
    { name: 'that writes it first', entry: {}, look: { settledBy: at(1) }, writtenAt: at(31) },
    {
      name: 'of which a watermark covers all but the sessions that its own have made',
      entry: { writtenAt: at(1), chains: true, byWatermark: true } as const,
      look: { settledBy: at(1) },
    },
  ].map((row) => ({ enforcedAt: undefined, writtenAt: row.entry.writtenAt, ...row })))
    test(`a deny is ${enforcedAt ? '' : 'not '}in force by a look ${name}`, () => {
      const after = denyEntryAfterWrite(
        { ...entry, ...found },
        {
          listed: new Set(['grt_1']),
          byWatermark: new Set('byWatermark' in found ? ['grt_1'] : []),
          removed: new Set(),
          at: at(31),
          ...look,
        },
      )
      expect([after?.enforcedAt, after?.writtenAt]).toEqual([enforcedAt, writtenAt])
    })

  for (const { name, unsent, claimVersion } of [
    { name: 'under which no write was sent gives its number back', unsent: true, claimVersion: 2 },
    { name: 'under which a write was sent keeps its number', unsent: false, claimVersion: 3 },
  ])
    test(`a failed claim ${name}`, () =>
      expect(failedDenyList(claimed, { error: 'y', at: at(9), nextAttemptAt: at(10), unsent })).toMatchObject({
        claimVersion,
      }))

  test('an entry under a watermark is unwritten again by a wish that the watermark does not cover', () => {
    const covered = { ...inDocument, byWatermark: true, namesAgent: true }
    const named = { ...wish, namesAgent: true }
    expect(wantedDenyEntry(covered, 'grt_1', named)).toEqual(covered)
    expect(wantedDenyEntry(covered, 'grt_1', wish)).toEqual(entry)
    expect(wantedDenyEntry(covered, 'grt_1', { ...named, chains: true })).toEqual({
      ...entry,
      namesAgent: true,
      chains: true,
    })
  })

  test('P6: an entry goes with a write after its end, never before', () => {
    expect(afterWrite(inDocument, [], ['grt_1'], 100)).toBeUndefined()
    expect(afterWrite(inDocument, ['grt_1'], ['grt_1'], 99)).toEqual(entry)
  })

  test('an entry is written when a document first holds it', () => {
    expect(afterWrite(entry, ['grt_1'], [], 7)).toEqual({ ...entry, writtenAt: at(7) })
    expect(afterWrite(inDocument, ['grt_1'], [], 7)).toBe(inDocument)
    expect(afterWrite(entry, ['grt_2'], [], 7)).toBe(entry)
  })

  test('an entry comes under a watermark and back without losing when it was first written', () => {
    const covered = { ...inDocument, byWatermark: true }
    expect(afterWrite(inDocument, ['grt_1'], [], 7, ['grt_1'])).toEqual(covered)
    expect(afterWrite(covered, ['grt_1'], [], 9, ['grt_1'])).toBe(covered)
    expect(afterWrite(covered, ['grt_1'], [], 9)).toEqual(inDocument)
  })

  test('a write gives the claim back and forgets failures', () => {
    const wrote = { digest: 'd', sequence: 3 }
    const write = { at: at(7), nextAttemptAt: at(60), wrote }
    const after = { ...free, lastWrittenAt: at(7), nextAttemptAt: at(60), written: wrote }
    expect(writtenDenyList({ ...claimed, failingSince: at(1) }, write, false)).toEqual(after)
    expect(writtenDenyList(claimed, { at: at(7), watermark: at(6) }, false)).toEqual({ ...free, watermark: at(6) })
  })

  test('a write of any document of a list counts as a write of the list', () => {
    const written = (sequence: number) => ({ digest: 'd', sequence })
    for (const [sequence, lastWrittenAt] of [
      [claimed.claimVersion, at(7)],
      [claimed.claimVersion - 1, undefined],
    ] as const) {
      const documents = [{ key: 'attached:b', attempts: 0, written: written(sequence) }]
      const after = writtenDenyList(claimed, { at: at(7), documents }, false)
      expect([after.lastWrittenAt, after.documents]).toEqual([lastWrittenAt, documents])
    }
    // A list that has one document again keeps nothing of the others.
    const documents = [{ key: 'attached:b', attempts: 0 }]
    expect(writtenDenyList({ ...claimed, documents }, { at: at(7) }, false)).not.toHaveProperty('documents')
  })

  test('what was wanted during a write makes the deny list due at once', () =>
    expect(writtenDenyList(claimed, { at: at(7), nextAttemptAt: at(60) }, true).nextAttemptAt).toEqual(at(7)))

  test('a failure gives the claim back and counts', () => {
    const { claimedBy: _, claimedUntil: __, ...kept } = claimed
    const failed = failedDenyList(claimed, { error: 'AccessDenied', at: at(8), nextAttemptAt: at(9) })
    expect(failed).toEqual({
      ...kept,
      attempts: 3,
      lastError: 'AccessDenied',
      failingSince: at(8),
      nextAttemptAt: at(9),
    })
    expect(failedDenyList(failed, { error: 'x', at: at(20), nextAttemptAt: at(30) }).failingSince).toEqual(at(8))
  })

  test('an entry is enforced once, and only after it was written', () => {
    expect(enforcedDenyEntry(entry, at(9), 'settle_time')).toBe(entry)
    expect(enforcedDenyEntry({ ...entry, writtenAt: at(1) }, at(9), 'settle_time')).toMatchObject({
      enforcedAt: at(9),
      enforcedBy: 'settle_time',
    })
    expect(enforcedDenyEntry(inDocument, at(9), 'settle_time')).toBe(inDocument)
  })
})
