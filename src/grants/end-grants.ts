import type { CredentialProvider } from '../credentials/provider.ts'
import { auditEvent, type EventData } from '../ledger/events.ts'
import type { GrantMove, Ledger } from '../ledger/ledger.ts'
import type { EndReason, Grant } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import { endGrant, type LifeSettings, newDeny } from './lifecycle.ts'
import { planOf } from './plan-of.ts'
import type { WatchHub } from './watch-hub.ts'

/** What ending a grant works with. */
export interface GrantEnderParts {
  readonly ledger: Ledger
  readonly provider: CredentialProvider
  readonly hub: WatchHub
  readonly settings: LifeSettings
}

/** Which grant ends, why, as of when, and who ended it. */
export interface EndRequest {
  readonly grant: Grant
  readonly reason: EndReason
  readonly now: Date
  /** Deny at once, rather than let the last lease run out. */
  readonly deny: boolean
  readonly actor: string
  /** For the event: the words of whoever ended it, or the error that did. */
  readonly eventData?: Pick<EventData<'grant.ended'>, 'note' | 'code'>
}

/** Ends grants: decides from the leases on record, and writes the state, the wanted deny and the event in one unit. */
export class GrantEnder {
  readonly #parts: GrantEnderParts

  constructor(parts: GrantEnderParts) {
    this.#parts = parts
  }

  /** @throws {StintError} LEDGER_CONFLICT when the grant has moved since it was read. */
  async end(request: EndRequest): Promise<Grant> {
    const { ledger, hub } = this.#parts
    const ended = await ledger.moveGrant(await this.#move(request))
    hub.changed(ended.id)
    return ended
  }

  async #move({ grant, reason, now, deny, actor, eventData }: EndRequest): Promise<GrantMove> {
    const { ledger, provider, settings } = this.#parts
    const leases = (await ledger.listLeases(grant.id)).filter((lease) => lease.state !== 'ended')
    const plan = await planOf(ledger, grant)
    const ending = endGrant({
      openLeases: leases,
      reason,
      now,
      deny: deny ? newDeny(provider, grant, leases, plan) : undefined,
      settings,
    })
    const { effectiveBy } = ending.to
    const head = { at: now, actor, grantId: grant.id }
    const common = { reason, deny_listed: ending.deny !== undefined, ...eventData }
    return {
      grantId: grant.id,
      expectedVersion: grant.version,
      ...ending,
      events: [
        effectiveBy
          ? auditEvent('grant.ending', { ...head, data: { ...common, effectiveBy: effectiveBy.toISOString() } })
          : auditEvent('grant.ended', { ...head, data: { ...common, by: 'lease_end' } }),
      ],
    }
  }
}

/** A plan that only lists and reads may run out; any other is denied when its task is over. */
export function denyOnCompletion(plan: Plan): boolean {
  return plan.classes.some((actionClass) => actionClass !== 'list' && actionClass !== 'read')
}
