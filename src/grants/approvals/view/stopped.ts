import type { Hold, HoldKind } from '../../../ledger/holds/hold-records.ts'
import type { LedgerReads } from '../../../ledger/ledger.ts'
import type { Grant } from '../../../ledger/records.ts'
import { findHold, touchedLabels } from '../../../ledger/rules/hold-rules.ts'
import type { Plan } from '../../../plan/plan.ts'
import { undefinedIfCorrupt } from '../../read-grants.ts'

const KIND_WORDS: Readonly<Record<HoldKind, string>> = {
  kill: 'The kill switch stops',
  suspended: 'Suspended is',
  offboarded: 'Offboarded is',
}

/** Why nothing is given out to a grant now: a kill, or its agent is suspended or offboarded. Undefined if nothing stops it. */
export async function describeStop(
  ledger: Pick<LedgerReads, 'holdsInForce'>,
  grant: Grant,
  plan: Plan,
): Promise<string | undefined> {
  const holds = await undefinedIfCorrupt(ledger.holdsInForce())
  if (!holds) return 'Whether something stops this cannot be read, so nothing is given out: see stint status.'
  const hold = findHold(holds, { ...grant, touches: touchedLabels(plan) })
  return hold && describeHold(hold)
}

function describeHold({ id, kind, scope, since, by, why }: Hold): string {
  const what = scope.kind === 'everything' ? 'everything' : `${scope.kind.replace('_', ' ')} ${scope.value}`
  return `${KIND_WORDS[kind]} ${what} since ${since.toISOString()} (${id} by ${by}: ${why}). An approve is refused until it is lifted.`
}
