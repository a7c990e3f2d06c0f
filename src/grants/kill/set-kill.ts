import type { Clock } from '../../core/clock.ts'
import type { Ids } from '../../core/ids.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { Hold } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Operator } from '../operators/operator.ts'
import { freshProgress, progressJson } from './kill-progress.ts'
import { type KillWish, resolveScope } from './kill-scope.ts'
import { type KillView, toKillView } from './kill-view.ts'

/** Dependencies of setting a kill. */
export interface SetKillParts {
  readonly ledger: Pick<Ledger, 'putHold' | 'getLease' | 'getGrant' | 'heldDenies' | 'sharing'>
  readonly clock: Clock
  readonly ids: Ids
}

/** An order to kill a scope. */
export interface KillOrder extends KillWish {
  readonly why: string
  /** Agents that it stops are told why. */
  readonly isPublic?: boolean
  /**
   * Keys of deny lists that may get a watermark over everybody, where the kill does not fit by name: as a drill lists them, with whom
   * else that cuts.
   */
  readonly roleWatermarks?: readonly string[]
}

/** The immediate result of a kill. Its work continues even if this process ends. */
export interface KillAnswer {
  readonly kill: KillView
  /** True: the scope was killed already, and nothing has changed. */
  readonly isExisting: boolean
  /** From then on no lease can be issued in the scope, on any replica. Missing for a scope that was killed already. */
  readonly noLeaseSince?: Date
  /** Brokers of an older release, which do not know kills: they were shut out, and can record and issue nothing any more. */
  readonly shutOut: readonly { readonly id: string; readonly version?: string }[]
}

/**
 * Kills a scope: once this resolves, nothing is given out in it. Its grants are ended by `runKills`, on whichever replica comes first.
 *
 * @param by a person, or whoever could write the break-glass file.
 * @throws {StintError} REQUEST_INVALID, NOT_FOUND, LEDGER_UNAVAILABLE
 */
export async function setKill(
  { ledger, clock, ids }: SetKillParts,
  by: Operator | 'file',
  { why, isPublic, roleWatermarks = [], ...wish }: KillOrder,
): Promise<KillAnswer> {
  const { scope, asked } = await resolveScope(ledger, wish)
  const older = (await ledger.sharing?.listReplicas())?.filter(({ knowsHolds }) => !knowsHolds) ?? []
  const since = clock.now()
  const actor = by === 'file' ? 'stint' : operatorActor(by)
  const progress = freshProgress({ ...(asked !== undefined && { asked }), roleWatermarks: [...roleWatermarks] })
  const hold: Parameters<Ledger['putHold']>[0]['hold'] = {
    ...{ id: ids.next('kil', since), kind: 'kill', scope, since, why },
    by: by === 'file' ? 'file' : operatorActor(by),
    ...(isPublic && { isPublic }),
    ...{ isRunning: true, progress: progressJson(progress) },
  }
  const data = {
    ...{ hold: hold.id, scope: scope.kind, value: scope.value, why },
    by: by === 'file' ? ('file' as const) : ('operator' as const),
    ...(asked !== undefined && { asked }),
  }
  failpoint('kill.before_set')
  const placed = await ledger.putHold({ hold, events: [auditEvent('kill.set', { at: since, actor, data })] })
  failpoint('kill.after_set')
  return describeAnswer(ledger, placed, older, clock.now())
}

async function describeAnswer(
  ledger: SetKillParts['ledger'],
  { kind, hold }: { readonly kind: 'created' | 'existing'; readonly hold: Hold },
  older: readonly { readonly id: string; readonly version?: string }[],
  now: Date,
): Promise<KillAnswer> {
  const kill = await toKillView(ledger, hold)
  if (kind === 'existing') return { kill, isExisting: true, shutOut: [] }
  const shutOut = older.map(({ id, version }) => ({ id, ...(version !== undefined && { version }) }))
  return { kill, isExisting: false, noLeaseSince: now, shutOut }
}
