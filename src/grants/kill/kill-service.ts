import { isId } from '../../core/ids.ts'
import type { HoldScope } from '../../ledger/holds/hold-records.ts'
import type { Ledger, Page, PageRequest } from '../../ledger/ledger.ts'
import { holdNotFound } from '../../ledger/rules/hold-rules.ts'
import type { Registration } from '../../registry/registration.ts'
import type { Operator } from '../operators/operator.ts'
import { type DrillParts, drillKill, type KillDrill } from './drill-kill.ts'
import type { KillWish } from './kill-scope.ts'
import { type KillView, toKillView } from './kill-view.ts'
import { type LiftKillParts, liftKill } from './lift-kill.ts'
import { type KillAnswer, type KillOrder, type SetKillParts, setKill } from './set-kill.ts'
import { warnOfUnknownScope } from './unknown-scope.ts'

/** An answer, with a sentence if the scope is of agents that nobody has registered. */
export type Warned<Answer> = Answer & { readonly warning?: string }

/** The kill switch, as people use it. The edge has checked the role; these check everything else. */
export interface KillService {
  /** @throws {StintError} REQUEST_INVALID, GRANT_NOT_FOUND, NOT_FOUND */
  kill(operator: Operator, order: KillOrder): Promise<Warned<KillAnswer>>
  /** As `kill`, without doing anything. */
  drill(operator: Operator, wish: KillWish): Promise<Warned<KillDrill>>
  /** @throws {StintError} HOLD_NOT_FOUND, HOLD_LIFTED, HOLD_OF_SAME_PERSON, HOLD_IN_FILE */
  lift(operator: Operator, id: string, note: string): Promise<KillView>
  /** @throws {StintError} HOLD_NOT_FOUND */
  show(id: string): Promise<KillView>
  /** Newest first. */
  list(filter: { readonly inForce?: boolean }, page: PageRequest): Promise<Page<KillView>>
}

/** Dependencies of the kill switch. */
export type KillParts = SetKillParts &
  DrillParts &
  LiftKillParts & {
    readonly ledger: ListParts['ledger']
    /** The registrations of now; undefined until they have loaded, which stops no kill. */
    readonly registrations: () => readonly Registration[] | undefined
  }

interface ListParts {
  readonly ledger: Pick<Ledger, 'listHolds' | 'getHold' | 'heldDenies'>
}

/** The kill switch. */
export function createKillService(parts: KillParts): KillService {
  const { ledger, registrations } = parts
  const warned = <Answer>(answer: Answer, scope: HoldScope): Warned<Answer> => {
    const known = registrations()
    const warning = known && warnOfUnknownScope(scope, known)
    return { ...answer, ...(warning !== undefined && { warning }) }
  }
  return {
    kill: async (operator, order) => {
      const answer = await setKill(parts, operator, order)
      return warned(answer, { kind: answer.kill.scope, value: answer.kill.value })
    },
    drill: async (operator, wish) => {
      const found = await drillKill(parts, operator, wish)
      return warned(found, { kind: found.scope, value: found.value })
    },
    lift: (operator, id, note) => liftKill(parts, operator, id, note),
    show: async (id) => {
      const hold = isId('kil', id) ? await ledger.getHold(id) : undefined
      if (!hold) throw holdNotFound(id)
      return toKillView(ledger, hold)
    },
    list: async (filter, page) => {
      const { items, nextCursor } = await ledger.listHolds({ ...filter, kind: 'kill' }, page)
      const views = await Promise.all(items.map((hold) => toKillView(ledger, hold)))
      return nextCursor === undefined ? { items: views } : { items: views, nextCursor }
    },
  }
}
