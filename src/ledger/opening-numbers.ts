import { randomInt } from 'node:crypto'

/** Earlier openings that a ledger remembers: a deny document can carry a write of any of them. */
export const KNOWN_EPOCHS = 1_000
const EPOCH_STEP = 1_000_000

/**
 * The number of a new opening: higher than all before it, and random below the next million, since a copy of the ledger that is opened
 * too must not come to the same one.
 *
 * @param latest the highest number on record; undefined for a ledger that was never open.
 */
export function nextEpoch(latest = 0): number {
  return (Math.floor(latest / EPOCH_STEP) + 1) * EPOCH_STEP + randomInt(EPOCH_STEP)
}
