import { earlier, later } from '../../core/instant.ts'
import type { DenyList, Quarantine } from '../../ledger/records.ts'
import { isInForce, LONGEST_SESSION_MS } from '../../ledger/rules/quarantine-rules.ts'
import { findListsToCut, type QuarantineParts } from './keep-quarantine.ts'

/** A reason why sessions from before a quarantine may still work, or why its grants have not ended. */
export interface Unfinished {
  /** `deny_list`: its cut is not in force. `role`: no deny list reaches its sessions. `grants`: they are still being ended. */
  readonly kind: 'deny_list' | 'role' | 'grants'
  /** The key of the list, the ARN or pattern of the role, or the number of grants. */
  readonly what: string
  readonly explanation: string
  /** When it is over at the latest, if nothing goes wrong; missing where nobody knows. */
  readonly until?: Date
}

/** A quarantine, and what there is to wait for before it is opened. */
export interface QuarantineView {
  /** The latest one, in force or opened; undefined if there never was one. */
  readonly quarantine: Quarantine | undefined
  readonly inForce: boolean
  readonly unfinished: readonly Unfinished[]
}

/** Dependencies of looking at a quarantine. */
export type AssessParts = Pick<QuarantineParts, 'ledger' | 'provider' | 'clock' | 'clockGuard' | 'settings'>

/** Says what may still live of all that was given out before the quarantine. */
export async function assessQuarantine(parts: AssessParts): Promise<QuarantineView> {
  const quarantine = await parts.ledger.quarantine()
  if (!isInForce(quarantine)) return { quarantine, inForce: false, unfinished: [] }
  const now = earlier(parts.clock.now(), parts.clockGuard.earliestNow())
  const { active, awaiting_approval: waiting } = await parts.ledger.countGrants()
  const open = active + waiting
  const grants: Unfinished[] =
    open === 0
      ? []
      : [{ kind: 'grants', what: String(open), explanation: `${open} grants on record have not ended yet` }]
  const over = new Date(quarantine.since.getTime() + LONGEST_SESSION_MS)
  if (now >= over) return { quarantine, inForce: true, unfinished: grants }
  const lists = [...(await findListsToCut(parts))].flatMap(([key, list]) => {
    const explanation = explainUncut(list, quarantine, now)
    return explanation ? [{ kind: 'deny_list' as const, what: key, ...explanation(parts, over) }] : []
  })
  const roles = parts.provider.denyReach().beyond.map((arn) => ({
    kind: 'role' as const,
    what: arn,
    explanation:
      'no deny list that the configuration names reaches these sessions: leases end within 15 minutes of the quarantine, and what they have made by assuming another role within an hour more',
    until: over,
  }))
  return { quarantine, inForce: true, unfinished: [...grants, ...lists, ...roles] }
}

type Explained = Pick<Unfinished, 'explanation' | 'until'>

/** Undefined for a list whose cut is in force and in the past, so that what is issued from now on lives. */
function explainUncut(
  list: DenyList | undefined,
  { number }: Quarantine,
  now: Date,
): ((parts: AssessParts, over: Date) => Explained) | undefined {
  const cut = list?.cut?.quarantine === number ? list.cut : undefined
  if (cut?.enforcedAt && cut.before <= now) return undefined
  if (cut?.writtenAt) {
    const { writtenAt, before } = cut
    return ({ settings }) => ({
      explanation: `it denies every session issued before ${before.toISOString()}; written, and in force once the settle time is over`,
      until: later(before, new Date(writtenAt.getTime() + settings.settleMs)),
    })
  }
  // Whoever shows it goes on with the time by which it is over.
  const why = list?.lastError ? `: ${list.lastError.replace(/\.$/, '')}` : ''
  return (_, over) => ({ explanation: `its cut is not written yet${why}`, until: over })
}
