import type { Clock } from '../../core/clock.ts'
import { hasCode, StintError } from '../../core/errors.ts'
import type { WriteRight } from '../../credentials/provider.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { DenyList } from '../../ledger/records.ts'

/**
 * A replica that dies with a claim gives it back by not being heard of, or after so long: longer than a read and a write may take
 * together, so that no write of its holder comes after one of the next.
 */
export const CLAIM_MS = 45_000
/** Its holder lets go earlier, since the clocks of two replicas differ. */
const HOLD_MS = 40_000

/** Dependencies of a claim. */
export interface WriteClaimParts {
  readonly ledger: Pick<Ledger, 'identity' | 'isLive' | 'getDenyList'>
  readonly clock: Pick<Clock, 'monotonicMs'>
}

/**
 * The claim of one pass on a list. A process can be stopped for minutes between two steps, and another replica writes the documents
 * meanwhile: so each call that changes one asks the ledger first, and looks at the clock as its request goes out.
 */
export class WriteClaim implements WriteRight {
  readonly #parts: WriteClaimParts
  readonly #list: Pick<DenyList, 'key' | 'claimVersion'>
  readonly #untilMs: number

  /** @param beganMs an instant before the claim was taken, on the monotonic clock */
  constructor(parts: WriteClaimParts, list: Pick<DenyList, 'key' | 'claimVersion'>, beganMs: number) {
    this.#parts = parts
    this.#list = list
    this.#untilMs = beganMs + HOLD_MS
  }

  async confirm(): Promise<void> {
    this.hold()
    const { key, claimVersion } = this.#list
    const known = await this.#parts.ledger.getDenyList(key)
    if (known?.claimVersion !== claimVersion || known.claimedBy === undefined) throw lost(key)
    this.hold()
  }

  hold(): void {
    const { ledger, clock } = this.#parts
    const { key } = this.#list
    if (clock.monotonicMs() >= this.#untilMs) throw lost(key)
    if (ledger.isLive()) return
    const explanation = `Deny list ${key} is not written: the ledger has confirmed nothing for a while, so another broker may be about to take the list over.`
    throw new StintError('LEDGER_UNAVAILABLE', { explanation, denyList: key })
  }
}

/** True for what ends a pass whose list is another process's by now, which does the work: that is no problem. */
export function isClaimLost(error: unknown): boolean {
  return hasCode(error, 'LEDGER_CONFLICT')
}

function lost(key: string): StintError {
  const explanation = `The claim on deny list ${key} has lapsed or was taken over; its new holder writes it.`
  return new StintError('LEDGER_CONFLICT', { explanation, denyList: key })
}
