import { ChangeFeed } from '../../grants/watching/change-feed.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Grants } from '../grants.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

const COMPONENT = 'watch'

/** Wakes agents that wait here when another replica has changed what they wait for. */
export const changeFeed = definePart({
  name: 'changeFeed',
  start({ ledger, grants, clock, partHealth }: Surroundings & { readonly ledger: Ledger; readonly grants: Grants }) {
    const { sharing } = ledger
    if (!sharing) return { value: undefined }
    const feed = new ChangeFeed({
      hub: grants.parts.hub,
      sharing,
      clock,
      onProblem: (error) => partHealth.failed(COMPONENT, error),
      onWell: () => partHealth.well(COMPONENT),
    })
    feed.start()
    return { value: undefined, stop: () => feed.stop() }
  },
})
