import { describe, expect, test } from 'vitest'
import type { DenyList, LedgerIdentity } from '../../../src/ledger/records.ts'
import { findWriter, wasChanged } from '../../../src/ledger/rules/deny-document-rules.ts'

const identity: LedgerIdentity = { ledgerId: 'ours', epoch: 7, earlierEpochs: new Set([3, 5]) }

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

describe('a document', () => {
  const written = { digest: 'd', sequence: 8 }
  const mark = (sequence: number) => ({ ledgerId: 'ours', epoch: 7, sequence })
  for (const { name, live, list, changed } of [
    { name: 'that nobody has written yet', live: { digest: 'x' }, list: { attempts: 0 }, changed: false },
    {
      name: 'with the digest of the last write',
      live: { digest: 'd' },
      list: { written, attempts: 0 },
      changed: false,
    },
    { name: 'without our mark', live: { digest: 'x' }, list: { written, attempts: 0 }, changed: true },
    {
      name: 'without our mark after a write whose answer was lost',
      live: { digest: 'x' },
      list: { written, attempts: 1 },
      changed: false,
    },
    {
      name: 'of a write of ours whose answer was lost',
      live: { digest: 'x', mark: mark(9) },
      list: { written, attempts: 1 },
      changed: false,
    },
    {
      name: 'with other content under the mark of the last write',
      live: { digest: 'x', mark: mark(8) },
      list: { written, attempts: 1 },
      changed: true,
    },
  ]) {
    test(`${name} was ${changed ? '' : 'not '}changed by somebody else`, () =>
      expect(wasChanged(live, { key: 'a', claimVersion: 9, ...list } satisfies DenyList)).toBe(changed))
  }
})
