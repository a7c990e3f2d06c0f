import { describe, expect, test } from 'vitest'
import { type ReplicaTiming, ReplicaWatch } from '../../../src/ledger/postgres/replicas/replica-watch.ts'

const TIMING: ReplicaTiming = { everyMs: 1_000, maxGapMs: 2_500, silentAfterMs: 6_500, liveForMs: 4_500 }

/** Looks at these seconds, each answered 100 ms later. @returns the seconds of the looks that found it silent */
function silentAt(
  seconds: readonly number[],
  beatAt: (second: number) => { batch: number; fence: number } | undefined,
) {
  const watch = new ReplicaWatch(TIMING)
  return seconds.filter((second) => {
    const beat = beatAt(second)
    const look = { askedAt: second * 1_000, answeredAt: second * 1_000 + 100 }
    return watch.look(beat ? [{ id: 'rpl_1', ...beat }] : [], look).length > 0
  })
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)
const still = () => ({ batch: 4, fence: 1 })

describe('a replica', () => {
  for (const { name, seconds, beatAt, silent } of [
    {
      name: 'that stands still is silent after 6.5 s of looks',
      seconds: range(0, 9),
      beatAt: still,
      silent: [7, 8, 9],
    },
    {
      name: 'that commits is not silent',
      seconds: range(0, 30),
      beatAt: (second) => ({ batch: second, fence: 1 }),
      silent: [],
    },
    {
      name: 'that commits every 6 s is not silent',
      seconds: range(0, 60),
      beatAt: (second) => ({ batch: Math.floor(second / 6), fence: 1 }),
      silent: [],
    },
    {
      name: 'that only connects anew is not silent',
      seconds: range(0, 30),
      beatAt: (second) => ({ batch: 4, fence: Math.floor(second / 3) }),
      silent: [],
    },
    {
      name: 'is not silent since nobody looked for a while: the watch begins anew',
      seconds: [...range(0, 5), ...range(20, 26)],
      beatAt: still,
      silent: [],
    },
    {
      name: 'is silent in time after such a gap',
      seconds: [...range(0, 5), ...range(20, 28)],
      beatAt: still,
      silent: [27, 28],
    },
    {
      name: 'is watched across looks that come late, but not too late',
      seconds: [0, 2, 4, 6, 8],
      beatAt: still,
      silent: [8],
    },
    {
      name: 'whose record goes back, as after a fail-over, is watched anew',
      seconds: range(0, 9),
      beatAt: (second) => ({ batch: second < 5 ? 4 : 3, fence: 1 }),
      silent: [],
    },
    {
      name: 'that was closed and is there again is watched anew',
      seconds: range(0, 9),
      beatAt: (second) => (second === 4 ? undefined : still()),
      silent: [],
    },
  ] satisfies {
    name: string
    seconds: number[]
    beatAt: (second: number) => { batch: number; fence: number } | undefined
    silent: number[]
  }[])
    test(name, () => expect(silentAt(seconds, beatAt)).toEqual(silent))
})
