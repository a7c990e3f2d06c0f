import type { CredentialProvider } from '../credentials/provider.ts'
import { auditEvent, type EventData } from '../ledger/events.ts'
import type { GrantMove, Ledger } from '../ledger/ledger.ts'
import type { EndReason, Grant } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import { endGrant, type LifeSettings, newDeny } from './lifecycle.ts'
import { loadPlanIfReadable } from './load-plan.ts'
import { loadOpenLeases } from './open-leases.ts'
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
  /** Whether to deny at once, rather than let the last lease run out. `unless_read_only`: not a plan that only lists and reads. */
  readonly deny: 'always' | 'unless_read_only'
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
    const leases = await loadOpenLeases(ledger, grant, now)
    // P6: a damaged row must not keep a grant from ending. An unknown plan needs the longest deny.
    const plan = await loadPlanIfReadable(ledger, grant)
    const denied = deny === 'always' || !isReadOnly(plan)
    const ending = endGrant({
      openLeases: leases,
      reason,
      now,
      deny: denied ? newDeny(provider, grant, leases, plan) : undefined,
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

function isReadOnly(plan: Plan | undefined): boolean {
  return plan?.classes.every((actionClass) => actionClass === 'list' || actionClass === 'read') ?? false
}
