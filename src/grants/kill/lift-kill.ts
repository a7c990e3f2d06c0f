import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { Hold } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { holdNotFound, liftedHold, needsSecondPerson } from '../../ledger/rules/hold-rules.ts'
import { hasRole, type Operator } from '../operators/operator.ts'
import { type KillView, toKillView } from './kill-view.ts'

/** Dependencies of lifting a kill. */
export interface LiftKillParts {
  readonly ledger: Pick<Ledger, 'getHold' | 'liftHold' | 'appendEvents' | 'heldDenies'>
  readonly clock: Clock
  /** True: an admin may lift a kill that the same admin has set, for an installation with one operator. */
  readonly mayLiftAlone: () => boolean
  /** True for a scope that the break-glass file of this broker names now: it would be killed again at once. */
  readonly isInFile: (scope: Hold['scope']) => boolean
  /** Told of each kill that one person has set and lifted. */
  readonly onLiftedAlone: (facts: { readonly hold: string; readonly operator: string }) => void
}

/**
 * Lifts a kill: grants are given again in its scope. Those that it ended stay ended. A refusal is on record too.
 *
 * @throws {StintError} HOLD_NOT_FOUND, HOLD_LIFTED, HOLD_OF_SAME_PERSON, HOLD_IN_FILE
 */
export async function liftKill(
  { ledger, clock, mayLiftAlone, isInFile, onLiftedAlone }: LiftKillParts,
  operator: Operator,
  id: string,
  note: string,
): Promise<KillView> {
  const hold = await ledger.getHold(id)
  if (hold?.kind !== 'kill') throw holdNotFound(id)
  const [at, by] = [clock.now(), operatorActor(operator)]
  const alone = needsSecondPerson(hold, by) && mayLiftAlone() && hasRole(operator, 'admin')
  const lift = { at, by, note, ...(alone && { alone: true as const }) }
  try {
    liftedHold(hold, { id, lift })
  } catch (error) {
    if (!hold.lifted) {
      await ledger.appendEvents([auditEvent('kill.lift_refused', { at, actor: by, data: { hold: id, note } })])
    }
    throw error
  }
  if (isInFile(hold.scope)) throw stillInFile(hold)
  const data = { hold: id, note, setBy: hold.by, since: hold.since.toISOString(), ...(alone && { alone }) }
  failpoint('kill.before_lift')
  const lifted = await ledger.liftHold({ id, lift, events: [auditEvent('kill.lifted', { at, actor: by, data })] })
  if (alone) onLiftedAlone({ hold: id, operator: operator.name })
  return toKillView(ledger, lifted)
}

function stillInFile({ id, scope }: Hold): StintError {
  const explanation = `The break-glass file of the broker still names ${scope.kind} ${scope.value}, so it would be killed again at once: take that line out of kill.file on every broker first.`
  return new StintError('HOLD_IN_FILE', { explanation, hold: id })
}
