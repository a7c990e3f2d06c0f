import { expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import type { Calls } from '../../src/sdk/calls.ts'
import { followGrant } from '../../src/sdk/follow.ts'
import type { GrantInfo } from '../../src/sdk/types.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settle } from '../support/settle.ts'

const ENDED = { id: 'grt_01ARZ3NDEKTSV4RRFFQ69G5FAV', state: 'ended' } as GrantInfo

/** Follows a grant whose first stream fails with the code, and whose second brings the end. */
async function follow(code: 'SVID_WITHDRAWN' | 'SVID_AMBIGUOUS' | 'SVID_EXPIRED') {
  const clock = new ManualClock()
  let opened = 0
  const calls = {
    async *watch() {
      opened += 1
      if (opened === 1) throw new StintError(code, { explanation: 'told to' })
      yield ENDED
    },
  } as unknown as Calls
  const timing = { clock, backgroundClock: clock, random: () => 0 }
  const states = followGrant({ calls, timing, grantId: ENDED.id, use: 'calls', signal: new AbortController().signal })
  return settle(clock, states.next())
}

for (const code of ['SVID_EXPIRED', 'SVID_WITHDRAWN'] as const) {
  test(`a followed grant outlives ${code}, which the next SVID mends`, async () => {
    expect((await follow(code)).value).toEqual(ENDED)
  })
}

test('a followed grant ends with what only a person can mend', async () => {
  await expect(follow('SVID_AMBIGUOUS')).rejects.toMatchObject({ code: 'SVID_AMBIGUOUS' })
})
