import type { Clock } from '../../core/clock.ts'
import { inputError } from '../../core/input-error.ts'
import { entryKey, type ReachEntry } from '../../plan/reach/combine-reach.ts'
import { type InventoryMatches, matchInventory, type ResourceInventory } from '../../plan/reach/inventory.ts'
import type { Registration } from '../../registry/registration.ts'
import { chooseAgents, noSuchAgent } from '../operators/agent-choice.ts'
import { loadReach, type ReachParts, type ReachReport, type ReachScope } from './load-reach.ts'
import { findMayReach, type MayEntry, type MayParts, type MayReach } from './may-reach.ts'

/** A page of a list that is worked out anew each time; `cursor` is what the page before gave. */
interface EntryPage {
  readonly limit: number
  readonly cursor?: string | undefined
}

/** A page with what the whole comes to. */
export type Paged<Report extends { readonly entries: readonly unknown[] }> = Report & { readonly nextCursor?: string }

/** A page of a report, with what an inventory has of its resources. */
export type ReachPage = Omit<Paged<ReachReport>, 'entries'> & {
  readonly entries: readonly (ReachEntry & { readonly resources?: InventoryMatches })[]
  readonly inventory?: { readonly takenAt: Date; readonly resources: number }
}

/** Answers of how far grants and agents reach. */
export interface ReachService {
  /**
   * @throws {StintError} GRANT_NOT_FOUND, REQUEST_INVALID for a cursor that is none, REGISTRATION_NOT_FOUND for a name of an agent that
   *   neither a registration nor a grant of the reach has
   */
  show(scope: ReachScope, since: Date | undefined, page: EntryPage): Promise<ReachPage>
  /**
   * The access that current policies permit an agent.
   *
   * @param agent its subject, or the name of its registration.
   * @throws {StintError} REGISTRATION_NOT_FOUND, AGENT_UNREGISTERED, REGISTRATION_EXPIRED, POLICY_UNAVAILABLE
   */
  may(agent: string, page: EntryPage): Promise<Paged<MayReach>>
}

/** Dependencies of the service. */
export interface ReachServiceParts extends ReachParts {
  /** The resources that exist; undefined if nobody has listed them. */
  readonly inventory: () => ResourceInventory | undefined
  readonly clock: Pick<Clock, 'now'>
  /** The registration of an agent. @throws {StintError} as `ReachService.may` */
  readonly lookup: (subject: string, now: Date) => Registration
  readonly named: (name: string) => Registration | undefined
  /** The rules of now. @throws {StintError} POLICY_UNAVAILABLE */
  readonly rules: () => Omit<MayParts, 'agent' | 'now' | 'reachOf'>
  /** The trust domain of a subject, as policies see it. */
  readonly trustDomainOf: (subject: string) => string
}

/** Puts the answers together. */
export function createReachService(parts: ReachServiceParts): ReachService {
  return {
    async show(scope, since, page) {
      const report = await loadReach(parts, scope, { now: parts.clock.now(), since })
      const isName = scope.kind === 'agent' && chooseAgents(scope.name).subject === undefined
      if (isName && report.grants === 0 && report.complete && !parts.named(scope.name)) throw noSuchAgent(scope.name)
      return withInventory(
        paged(report, page, (entry) => entryKey(entry as ReachEntry)),
        parts.inventory(),
      )
    },
    async may(agent, page) {
      const now = parts.clock.now()
      const { registration, subject } = findAgent(parts, agent, now)
      const { owner, team, name } = registration
      const asked = { subject, trustDomain: parts.trustDomainOf(subject), owner, team, registration: name }
      const report = await findMayReach({ ...parts.rules(), agent: asked, now, reachOf: parts.reachOf })
      return paged(report, page, (entry) => mayKey(entry as MayEntry))
    },
  }
}

function withInventory(report: Paged<ReachReport>, inventory: ResourceInventory | undefined): ReachPage {
  if (!inventory) return report
  const entries = report.entries.map((entry) => {
    const resources = matchInventory(inventory, entry.resource)
    return resources ? { ...entry, resources } : entry
  })
  return { ...report, inventory: { takenAt: inventory.takenAt, resources: inventory.arns.length }, entries }
}

/** A registration of many agents is asked about by one that it might have. */
function findAgent(
  { lookup, named }: ReachServiceParts,
  agent: string,
  now: Date,
): { registration: Registration; subject: string } {
  if (chooseAgents(agent).subject !== undefined) return { registration: lookup(agent, now), subject: agent }
  const registration = named(agent)
  if (!registration) throw noSuchAgent(agent)
  const subject = registration.match.replace(/\/\*$/, '/any').replace(/;\*$/, '')
  return { registration, subject }
}

function mayKey({ roleArn, label, class: risk }: MayEntry): string {
  return JSON.stringify([roleArn, label, risk])
}

function paged<Report extends { readonly entries: readonly unknown[] }>(
  report: Report,
  { limit, cursor }: EntryPage,
  keyOf: (entry: Report['entries'][number]) => string,
): Paged<Report> {
  const sorted = report.entries.map((entry) => ({ entry, key: keyOf(entry) })).sort((a, b) => (a.key < b.key ? -1 : 1))
  const after = cursor === undefined ? undefined : readCursor(cursor)
  const rest = after === undefined ? sorted : sorted.filter(({ key }) => key > after)
  const shown = rest.slice(0, limit)
  const last = shown.at(-1)
  return {
    ...report,
    entries: shown.map(({ entry }) => entry),
    ...(rest.length > limit && last && { nextCursor: Buffer.from(last.key).toString('base64url') }),
  }
}

function readCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  if (text.startsWith('[') && Buffer.from(text).toString('base64url') === cursor) return text
  const message = 'must be what this list gave with the page before, unchanged'
  throw inputError([{ field: 'cursor', code: 'REQUEST_INVALID', message }])
}
