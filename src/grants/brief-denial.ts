import type { Decision, FailedPair } from '../policy/decision.ts'

/** Bounds of one denial on record. An agent may be denied again and again, with up to 64 KiB of resources each time. */
const MAX_PAIRS = 20
const MAX_BYTES = 2_048

/**
 * A denial as it goes on record: the pairs that failed as far as they fit, at least the first, and how many more there
 * were.
 *
 * @returns `brief` for the grant, `forEvent` for the data of its event.
 */
export function briefDenial(decision: Decision) {
  const listed = firstPairs(decision.failedPairs)
  const leftOut = decision.failedPairs.length - listed.length
  const brief: Decision = leftOut === 0 ? decision : { ...decision, failedPairs: listed, failedPairsLeftOut: leftOut }
  const failedPairs = listed.map((pair) => ({ ...pair, policies: [...pair.policies] }))
  return { brief, forEvent: { failedPairs, ...(leftOut > 0 && { failedPairsLeftOut: leftOut }) } }
}

function firstPairs(pairs: readonly FailedPair[]): readonly FailedPair[] {
  let bytes = 0
  const fits = (pair: FailedPair) => {
    bytes += Buffer.byteLength(JSON.stringify(pair))
    return bytes <= MAX_BYTES
  }
  const end = pairs.slice(0, MAX_PAIRS).findIndex((pair) => !fits(pair))
  return pairs.slice(0, end === -1 ? MAX_PAIRS : Math.max(1, end))
}
