import type { Hold } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { type KillProgress, readProgress } from './kill-progress.ts'

/** A kill as operators see it: what it covers, what it has hit, and how far it has come. */
export interface KillView extends Omit<KillProgress, 'done' | 'isCutShort' | 'roleWatermarks'> {
  readonly id: string
  readonly scope: Hold['scope']['kind']
  readonly value: string
  readonly since: Date
  readonly by: string
  readonly why: string
  readonly isPublic: boolean
  readonly inForce: boolean
  readonly lifted?: Hold['lifted']
  /**
   * `holding`: nothing is given out, and the grants in scope are still to be ended. `ending`: they are being ended. `denying`: they have
   * ended, and denies are being written. `settling`: all denies are written, and not all are known to be in force. `done`.
   */
  readonly state: 'holding' | 'ending' | 'denying' | 'settling' | 'done'
  /** Grants and approvals that were ended so far. */
  readonly ended: number
  /** It was lifted before every grant in scope had ended. */
  readonly isCutShort: boolean
  /** Denies that are still to be written, or to come into force; while there are any. */
  readonly denies?: { readonly unwritten: number; readonly unenforced: number; readonly until?: Date }
}

/** A kill with the denies that are still on their way. */
export async function toKillView(ledger: Pick<Ledger, 'heldDenies'>, hold: Hold): Promise<KillView> {
  const { done, isCutShort = false, roleWatermarks: _, ...progress } = readProgress(hold)
  const { id, scope, since, by, why, isPublic = false, lifted, isRunning } = hold
  const { unwritten, unenforced, until } =
    isRunning && progress.heldAt !== undefined ? await ledger.heldDenies(id) : { unwritten: 0, unenforced: 0 }
  return {
    ...{ id, scope: scope.kind, value: scope.value, since, by, why, isPublic },
    ...{ inForce: lifted === undefined, ...(lifted && { lifted }) },
    ...progress,
    ...{ state: toState(hold, progress), ended: done, isCutShort },
    ...(unwritten + unenforced > 0 && { denies: { unwritten, unenforced, ...(until && { until }) } }),
  }
}

function toState(
  { isRunning }: Hold,
  { heldAt, endedAt, writtenAt }: Pick<KillProgress, 'heldAt' | 'endedAt' | 'writtenAt'>,
): KillView['state'] {
  if (!isRunning) return 'done'
  if (endedAt === undefined) return heldAt === undefined ? 'holding' : 'ending'
  return writtenAt === undefined ? 'denying' : 'settling'
}
