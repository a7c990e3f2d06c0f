/** Times by which replicas tell that one of them is gone, all by the monotonic clock of whoever looks. */
export interface ReplicaTiming {
  /** Each replica commits, and looks at the others, so often. */
  readonly everyMs: number
  /** A longer gap between two looks says nothing of what happened in it: the watch begins anew. */
  readonly maxGapMs: number
  /** A replica whose record stands still for so long under our eyes is silent. */
  readonly silentAfterMs: number
  /** A replica whose last commit is older can be taken for silent soon, and sends nothing on a claim of its own any more. */
  readonly liveForMs: number
}

/** Claims of a killed replica are with another one within 10 s: silent within 9 s, and lists are looked at every second. */
export const REPLICA_TIMING: ReplicaTiming = {
  everyMs: 1_000,
  maxGapMs: 2_500,
  silentAfterMs: 6_500,
  liveForMs: 4_500,
}

/** A replica that is open, and how far it has come. */
export interface ReplicaBeat {
  readonly id: string
  /** Both rise only: with each commit, and with each new connection of its writer. */
  readonly batch: number
  readonly fence: number
}

/**
 * Tells which replicas are silent. No clock of another machine is asked: a replica is silent when its record has stood still while
 * this process looked at it again and again. So after an outage of the database, in which nobody could commit, nobody counts as
 * silent until everybody has had time to come back.
 */
export class ReplicaWatch {
  readonly #timing: ReplicaTiming
  readonly #seen = new Map<string, { readonly beat: ReplicaBeat; readonly since: number }>()
  #lookedAt: number | undefined

  constructor(timing: ReplicaTiming) {
    this.#timing = timing
  }

  /**
   * Takes in one look.
   *
   * @param look.askedAt when the question was sent, and `answeredAt` when its answer was there; the records were read in between
   * @returns those that are silent
   */
  look(beats: readonly ReplicaBeat[], { askedAt, answeredAt }: { askedAt: number; answeredAt: number }): ReplicaBeat[] {
    if (this.#lookedAt === undefined || answeredAt - this.#lookedAt > this.#timing.maxGapMs) this.#seen.clear()
    this.#lookedAt = answeredAt
    this.#forgetAllBut(beats)
    return beats.filter((beat) => {
      const known = this.#seen.get(beat.id)
      if (known?.beat.batch === beat.batch && known.beat.fence === beat.fence)
        return askedAt - known.since >= this.#timing.silentAfterMs
      this.#seen.set(beat.id, { beat, since: answeredAt })
      return false
    })
  }

  #forgetAllBut(beats: readonly ReplicaBeat[]): void {
    const open = new Set(beats.map(({ id }) => id))
    for (const id of this.#seen.keys()) if (!open.has(id)) this.#seen.delete(id)
  }
}
