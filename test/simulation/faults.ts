import type { Chance } from './scheduler.ts'

/** What can go wrong in a simulation. Each seed has some of it, so that rare pairs meet. */
export const FAULT_KINDS = [
  'sts_throttles',
  'sts_loses_answers',
  'sts_refuses',
  'sts_is_down',
  'sts_date_wrong',
  'iam_throttles',
  'iam_loses_answers',
  'iam_late_writes',
  'iam_one_role_down',
  'iam_slow_spread',
  'iam_edited',
  'store_refuses',
  'store_loses_acknowledgements',
  'store_slow',
  'store_poisoned',
  'broker_crashes',
  'broker_pauses',
  'clock_jumps',
  'clock_off_at_start',
  'answers_lost',
  'agents_cancel',
  'policy_changes',
] as const
/** One of `FAULT_KINDS`. */
export type FaultKind = (typeof FAULT_KINDS)[number]

/** The faults of one seed. They come in spells, and end for good before the simulation does. */
export class Faults {
  readonly kinds: ReadonlySet<FaultKind>
  readonly #chance: Chance
  #isOver = false
  #spell = new Set<FaultKind>()

  constructor(chance: Chance, kinds?: readonly FaultKind[]) {
    this.#chance = chance
    const share = chance.pick([0, 0.15, 0.3, 0.6])
    const drawn = kinds ?? FAULT_KINDS.filter(() => chance.happens(share))
    // Where the broker's clock and the cloud's answers are both wrong, nothing tells the truth.
    const isWithoutTruth = drawn.includes('sts_date_wrong') && chance.happens(0.5)
    const left: readonly FaultKind[] = isWithoutTruth ? ['clock_jumps', 'clock_off_at_start'] : ['sts_date_wrong']
    this.kinds = new Set(drawn.filter((kind) => !left.includes(kind)))
  }

  /** From time to time other faults act. */
  newSpell(): void {
    this.#spell = new Set([...this.kinds].filter(() => this.#chance.happens(0.5)))
  }

  end(): void {
    this.#isOver = true
  }

  /** True if a fault acts now. @param probability of each occasion during a spell */
  strikes(kind: FaultKind, probability: number): boolean {
    return this.acts(kind) && this.#chance.happens(probability)
  }

  acts(kind: FaultKind): boolean {
    return !this.#isOver && this.#spell.has(kind)
  }
}
