import { describe, expect, test } from 'vitest'
import type { LedgerIdentity } from '../../../src/ledger/records.ts'
import { findWriter, type OwnWrites, wasChanged } from '../../../src/ledger/rules/deny-document-rules.ts'

const identity: LedgerIdentity = { ledgerId: 'ours', replica: 'rpl_1', epoch: 7, earlierEpochs: new Set([3, 5]) }

describe('the writer of a document', () => {
  const list = { claimVersion: 20, openedVersion: 12 }
  for (const { name, mark, writer } of [
    { name: 'without a mark', mark: undefined, writer: undefined },
    { name: 'of this opening', mark: { ledgerId: 'ours', epoch: 7, sequence: 20 }, writer: undefined },
    { name: 'of an earlier opening', mark: { ledgerId: 'ours', epoch: 5, sequence: 12 }, writer: undefined },
    { name: 'of another ledger', mark: { ledgerId: 'theirs', epoch: 5, sequence: 1 }, writer: 'other_ledger' },
    { name: 'of a later opening', mark: { ledgerId: 'ours', epoch: 9, sequence: 1 }, writer: 'later_ledger' },
    {
      name: 'of an earlier opening that this ledger does not know, as after a restore',
      mark: { ledgerId: 'ours', epoch: 4, sequence: 1 },
      writer: 'later_ledger',
    },
    {
      name: 'of this opening with a number that this ledger never gave out',
      mark: { ledgerId: 'ours', epoch: 7, sequence: 21 },
      writer: 'later_ledger',
    },
    {
      name: 'of an earlier opening with a number after the copy was made',
      mark: { ledgerId: 'ours', epoch: 5, sequence: 13 },
      writer: 'later_ledger',
    },
  ]) {
    test(`${name} is ${writer ?? 'this ledger'}`, () =>
      expect(findWriter({ digest: 'd', ...(mark && { mark }) }, list, identity)).toBe(writer))
  }

  test('of an earlier opening is not known for a list that is newer than the opening', () =>
    expect(
      findWriter({ digest: 'd', mark: { ledgerId: 'ours', epoch: 5, sequence: 1 } }, { claimVersion: 20 }, identity),
    ).toBe('later_ledger'))
})

describe('the writer of a document of several replicas', () => {
  const list = {
    claimVersion: 20,
    claims: [
      { epoch: 5, version: 14 },
      { epoch: 9, version: 19 },
      { epoch: 7, version: 20 },
    ],
  }
  for (const { name, epoch, sequence, isOnRecord, writer } of [
    { name: 'of this replica', epoch: 7, sequence: 20, writer: undefined },
    { name: 'of a replica that began later', epoch: 9, sequence: 19, writer: undefined },
    // What the ledger counts past, so that nobody has to know who wrote it: a fail-over has lost commits, or this is a backup.
    { name: 'with the number of our own claim', epoch: 9, sequence: 20, writer: 'later_ledger' },
    { name: 'with a number after the last claim of its replica', epoch: 5, sequence: 15, writer: 'later_ledger' },
    { name: 'of a replica that has not had the list for long', epoch: 3, sequence: 13, writer: undefined },
    { name: 'of such a replica with a number that others had', epoch: 3, sequence: 14, writer: 'later_ledger' },
    { name: 'of a replica that nobody knows', epoch: 8, sequence: 13, writer: 'later_ledger' },
    { name: 'of a replica that the ledger alone knows', epoch: 8, sequence: 13, isOnRecord: true, writer: undefined },
  ] as const) {
    test(`${name} is ${writer ?? 'this ledger'}`, () =>
      expect(findWriter({ digest: 'd', mark: { ledgerId: 'ours', epoch, sequence } }, list, identity, isOnRecord)).toBe(
        writer,
      ))
  }
})

describe('a document', () => {
  const written = { digest: 'd', sequence: 8 }
  const mark = (sequence: number, epoch = 7) => ({ ledgerId: 'ours', epoch, sequence })
  const rows: readonly {
    name: string
    live: Partial<Parameters<typeof wasChanged>[0]>
    own?: Partial<OwnWrites>
    list?: Parameters<typeof wasChanged>[1]
    changed: boolean
  }[] = [
    { name: 'that nobody has written yet', live: {}, list: {}, changed: false },
    { name: 'with the digest of the last write', live: { digest: 'd' }, changed: false },
    { name: 'without our mark', live: {}, changed: true },
    { name: 'of a write of ours that is not on record', live: { mark: mark(9) }, own: { sent: 'x' }, changed: false },
    {
      name: 'of a write before this process began, which is not on record',
      live: { mark: mark(9, 5) },
      changed: false,
    },
    { name: 'with other content under the mark of the last write', live: { mark: mark(8, 5) }, changed: true },
    {
      name: 'with other content under the mark of a write of ours that is not on record',
      live: { mark: mark(9) },
      own: { sent: 'y' },
      changed: true,
    },
    { name: 'with other content under a mark that nobody gave out', live: { mark: mark(9) }, changed: true },
    { name: 'that is gone and held what is needed', live: { exists: false }, changed: true },
    {
      name: 'that is gone with all that it held, as after a crash while we took it away',
      live: { exists: false },
      own: { holdsNeeded: false },
      changed: false,
    },
  ]
  for (const { name, live, own, list = { written }, changed } of rows) {
    test(`${name} was ${changed ? '' : 'not '}changed by somebody else`, () =>
      expect(
        wasChanged({ digest: 'x', exists: true, ...live }, list, {
          epoch: 7,
          sent: undefined,
          holdsNeeded: true,
          ...own,
        }),
      ).toBe(changed))
  }
})
