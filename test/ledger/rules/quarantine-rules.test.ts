import { describe, expect, test } from 'vitest'
import type { Quarantine, QuarantineCut } from '../../../src/ledger/records.ts'
import {
  begunQuarantine,
  cutAfterPass,
  openedQuarantine,
  requireNoQuarantine,
  takesOver,
  wantedCut,
} from '../../../src/ledger/rules/quarantine-rules.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 21, 12) + seconds * 1_000)
const inForce: Quarantine = { number: 2, reason: 'restored', since: at(0), by: 'operator:ada', found: 'backup.db' }
const opened: Quarantine = { ...inForce, opened: { at: at(100.5), by: 'operator:ada', note: 'done' } }
const cut: QuarantineCut = { quarantine: 2, before: at(60), until: at(4_860) }
const written: QuarantineCut = { ...cut, writtenAt: at(10) }

describe('a quarantine', () => {
  test('refuses agents, and not the sessions by which the broker checks its denies', () => {
    const from = (latest: Quarantine | undefined, authMethod: 'x509-svid' | 'broker') => () =>
      requireNoQuarantine(latest, { authMethod })
    expect(from(inForce, 'x509-svid')).toThrow(expect.objectContaining({ code: 'LEDGER_QUARANTINED' }))
    expect(from(inForce, 'broker')).not.toThrow()
    expect(from(opened, 'x509-svid')).not.toThrow()
    expect(from(undefined, 'x509-svid')).not.toThrow()
  })

  test('begins once, unless it supersedes one that does not cover what was given out since', () => {
    const { number: _, ...wish } = inForce
    expect(begunQuarantine(undefined, { quarantine: wish })).toMatchObject({ quarantine: { number: 1 } })
    expect(begunQuarantine(inForce, { quarantine: wish })).toEqual({ quarantine: inForce, events: [] })
    expect(begunQuarantine(inForce, { quarantine: wish, supersedes: true })).toMatchObject({
      quarantine: { number: 3 },
      events: [{ type: 'ledger.quarantined' }],
    })
    expect(begunQuarantine(opened, { quarantine: wish })).toMatchObject({ quarantine: { number: 3 } })
  })

  test('is opened by the number that the operator saw', () => {
    const opening = { at: at(1), by: 'operator:ada', note: 'done' } as const
    expect(openedQuarantine(inForce, { number: 2, opening })).toMatchObject({ opened: opening })
    const open = (latest: Quarantine | undefined, number: number) => () => openedQuarantine(latest, { number, opening })
    expect(open(inForce, 1)).toThrow(expect.objectContaining({ code: 'LEDGER_CONFLICT' }))
    expect(open(opened, 2)).toThrow(expect.objectContaining({ code: 'LEDGER_NOT_QUARANTINED' }))
    expect(open(undefined, 1)).toThrow(expect.objectContaining({ code: 'LEDGER_NOT_QUARANTINED' }))
  })
})

describe('the cut of a list', () => {
  const wanted = (latest: Quarantine | undefined, known: QuarantineCut | undefined, isInPlace = false) =>
    wantedCut(latest, known, { isInPlace, now: at(200.5), settleMs: 30_000 })

  for (const { name, latest, known, isInPlace, before } of [
    { name: 'is none without a quarantine', latest: undefined, known: undefined, before: undefined },
    // 200.5 s, 30 s to settle and 15 s more, as a whole second.
    { name: 'reaches beyond the time that its write takes to settle', latest: inForce, known: undefined, before: 246 },
    { name: 'moves on while it is not written', latest: inForce, known: cut, before: 246 },
    { name: 'stays once it is in its document', latest: inForce, known: written, isInPlace: true, before: 60 },
    { name: 'moves on where somebody has taken it away', latest: inForce, known: written, before: 246 },
    {
      name: 'follows an earlier quarantine',
      latest: inForce,
      known: { ...cut, quarantine: 1 },
      isInPlace: true,
      before: 246,
    },
    { name: 'reaches to the opening where it comes after it', latest: opened, known: undefined, before: 101 },
    { name: 'stays after the opening', latest: opened, known: written, before: 60 },
  ] as const)
    test(name, () =>
      expect(wanted(latest, known, isInPlace)?.before).toEqual(before === undefined ? undefined : at(before)),
    )

  test('stands for 80 minutes: a lease, what it made, and a margin', () =>
    expect(wanted(inForce, undefined)?.until).toEqual(at(246 + 4_800)))

  for (const { name, known, found, holds, seconds, becomes } of [
    {
      name: 'is written by the pass that leaves it there',
      known: cut,
      found: false,
      holds: true,
      seconds: 10,
      becomes: written,
    },
    {
      name: 'is not in force before its time to settle',
      known: written,
      found: true,
      holds: true,
      seconds: 39,
      becomes: written,
    },
    {
      name: 'is in force once a look after its time to settle has found it',
      known: written,
      found: true,
      holds: true,
      seconds: 40,
      becomes: { ...written, enforcedAt: at(40) },
    },
    {
      name: 'is not by a pass that wrote it again',
      known: written,
      found: false,
      holds: true,
      seconds: 40,
      becomes: written,
    },
    {
      name: 'is not written where no document holds it',
      known: written,
      found: true,
      holds: false,
      seconds: 40,
      becomes: cut,
    },
  ])
    test(name, () => expect(cutAfterPass(known, { found, holds, at: at(seconds), settleMs: 30_000 })).toEqual(becomes))
})

describe('a document of a later state', () => {
  for (const { name, latest, known, taken } of [
    { name: 'is left alone without a quarantine', latest: undefined, known: undefined, taken: false },
    { name: 'is written to be cut', latest: inForce, known: cut, taken: true },
    { name: 'is written also after an opening at a risk', latest: opened, known: undefined, taken: true },
    // Written after the cut, so by a state that the quarantine does not cover.
    { name: 'is left to a new quarantine once it was cut', latest: inForce, known: written, taken: false },
    { name: 'is left to a new quarantine after the opening', latest: opened, known: written, taken: false },
  ])
    test(name, () => expect(takesOver(latest, known)).toBe(taken))
})
