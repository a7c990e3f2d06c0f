import { describe, expect, test } from 'vitest'
import { openFileLimit, shareSockets } from '../../../src/core/net/socket-budget.ts'

const limits = (maxConnections: number, maxUnproven: number) => ({
  maxConnections,
  maxConnectionsPerOwner: Math.ceil(maxConnections / 4),
  maxUnproven,
})
const WANTED = { agents: limits(2_000, 512), admin: limits(128, 240), health: limits(0, 96) }
const RESERVE = 256

describe('sharing open files among listeners', () => {
  for (const openFiles of [undefined, 1_048_576, 2_976 + RESERVE]) {
    test(`with ${openFiles ?? 'an unknown number of'} files each gets what it wants`, () => {
      expect(shareSockets(WANTED, openFiles)).toEqual({ limits: WANTED })
    })
  }

  for (const openFiles of [512, 1_024, 2_976 + RESERVE - 1]) {
    test(`with ${openFiles} files a reserve is left, and it is said what would be right`, () => {
      const { limits: lowered, notice } = shareSockets(WANTED, openFiles)
      const taken = Object.values(lowered).reduce((sum, each) => sum + each.maxConnections + each.maxUnproven, 0)
      expect(taken).toBeLessThanOrEqual(openFiles - RESERVE)
      expect(notice).toContain(String(2_976 + RESERVE))
      for (const each of [lowered.agents, lowered.admin]) {
        expect(each.maxConnections).toBeGreaterThan(0)
        expect(each.maxConnectionsPerOwner).toBeGreaterThan(0)
        expect(each.maxUnproven).toBeGreaterThan(0)
      }
    })
  }

  test('the small ones keep what they want as long as they can', () => {
    expect(shareSockets(WANTED, 1_024).limits.health).toEqual(WANTED.health)
  })

  test('too few files for any broker are refused', () => {
    expect(() => shareSockets(WANTED, 511)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})

test('the limit of this process is read, and a system that does not tell is no error', async () => {
  expect(await openFileLimit()).toBeGreaterThan(0)
  expect(await openFileLimit('/nowhere')).toBeUndefined()
})
