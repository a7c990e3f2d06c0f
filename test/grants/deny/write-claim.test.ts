import { describe, expect, test } from 'vitest'
import { WriteClaim } from '../../../src/grants/deny/write-claim.ts'
import type { DenyList } from '../../../src/ledger/records.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const CLAIMED = { key: 'boundary:a', attempts: 0, claimVersion: 7, claimedBy: 'rpl_1' } satisfies DenyList
const IDENTITY = { ledgerId: 'ABCDEFGHJKMN', replica: 'rpl_1', epoch: 1, earlierEpochs: new Set<number>() }

interface Found {
  /** The list as the ledger has it by now. */
  readonly list?: DenyList | undefined
  readonly live?: boolean
  readonly afterMs?: number
  readonly code: string | undefined
}

describe('a claim on a deny list', () => {
  const { claimedBy: _, ...free } = CLAIMED
  const rows: readonly ({ readonly name: string } & Found)[] = [
    { name: 'that is as it was taken', list: CLAIMED, code: undefined },
    { name: 'that was given back, as the ledger does for a silent replica', list: free, code: 'LEDGER_CONFLICT' },
    {
      name: 'that another replica has taken',
      list: { ...CLAIMED, claimedBy: 'rpl_2', claimVersion: 8 },
      code: 'LEDGER_CONFLICT',
    },
    { name: 'on a list that is gone', list: undefined, code: 'LEDGER_CONFLICT' },
    { name: 'whose time is over by the monotonic clock', list: CLAIMED, afterMs: 40_000, code: 'LEDGER_CONFLICT' },
    { name: 'whose time is nearly over', list: CLAIMED, afterMs: 39_999, code: undefined },
    {
      name: 'of a replica that others may take for silent',
      list: CLAIMED,
      live: false,
      code: 'LEDGER_UNAVAILABLE',
    },
  ]
  for (const { name, list, live = true, afterMs = 0, code } of rows)
    test(`${name} allows ${code ? 'no' : 'a'} write`, async () => {
      const clock = new ManualClock()
      const ledger = { identity: IDENTITY, isLive: () => live, getDenyList: async () => list }
      const claim = new WriteClaim({ ledger, clock }, CLAIMED, clock.monotonicMs())
      await clock.advance(afterMs)
      const asked = claim.confirm()
      if (code) await expect(asked).rejects.toMatchObject({ code })
      else expect(await asked).toBeUndefined()
    })

  test('allows no write if the process stood still while the ledger was asked', async () => {
    const clock = new ManualClock()
    const ledger = {
      identity: IDENTITY,
      isLive: () => true,
      getDenyList: async () => {
        await clock.advance(60_000)
        return CLAIMED
      },
    }
    const claim = new WriteClaim({ ledger, clock }, CLAIMED, clock.monotonicMs())
    await expect(claim.confirm()).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
    expect(() => claim.hold()).toThrow()
  })
})
