import type { Clock } from '../../core/clock.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { DenyList } from '../../ledger/records.ts'

/** While something is told, the ledger is asked so often whether another replica has mended it. */
const LOOK_EVERY_MS = 5_000

/** Dependencies of the problems of deny lists. */
export interface DenyProblemParts {
  readonly ledger: Pick<Ledger, 'listDenyLists'>
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** A deny list that cannot be written has the component `deny:<list>` until a write of it succeeds; its further documents likewise. */
  readonly onProblem: (problem: { component: string; error: unknown }) => void
  /** The component works again. */
  readonly onWell: (component: string) => void
}

/**
 * P17: the problems of deny lists that this process shows. A list can go to another replica, which looks at everything anew: from
 * then on that one shows what is wrong with it, and this one must not go on showing what is mended by now.
 */
export class DenyProblems {
  readonly #parts: DenyProblemParts
  /** By key of a list: the components that have a problem. */
  readonly #told = new Map<string, Set<string>>()
  /** By key of a list: the number of this process's last claim. */
  readonly #claims = new Map<string, number>()
  #lookedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: DenyProblemParts) {
    this.#parts = parts
  }

  /** Notes that this process has the list. */
  claimed({ key, claimVersion }: Pick<DenyList, 'key' | 'claimVersion'>): void {
    this.#claims.set(key, claimVersion)
  }

  tell(listKey: string, problem: { component: string; error: unknown }): void {
    const known = this.#told.get(listKey) ?? new Set()
    this.#told.set(listKey, known.add(problem.component))
    this.#parts.onProblem(problem)
  }

  well(listKey: string, component: string): void {
    const known = this.#told.get(listKey)
    if (known?.delete(component) && known.size === 0) this.#told.delete(listKey)
    this.#parts.onWell(component)
  }

  /** Takes back what another replica has mended. @param busy keys of lists that this process is working on */
  async forgetMended(busy: ReadonlySet<string>): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs()
    if (this.#told.size === 0 || nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return
    this.#lookedAtMs = nowMs
    const lists = new Map((await this.#parts.ledger.listDenyLists()).map((list) => [list.key, list]))
    for (const [listKey, components] of [...this.#told]) {
      const list = lists.get(listKey)
      // A list that cannot be read is left out of the listing.
      if (!list || busy.has(listKey)) continue
      for (const component of [...components]) if (this.#isMended(list, component)) this.well(listKey, component)
    }
  }

  #isMended(list: DenyList, component: string): boolean {
    if (list.claimedBy !== undefined || list.attempts > 0) return false
    const record = list.documents?.find(({ key }) => component === `deny:${key}`)
    if (record) return record.attempts === 0
    return component === `deny:${list.key}` || list.claimVersion > (this.#claims.get(list.key) ?? 0)
  }
}
