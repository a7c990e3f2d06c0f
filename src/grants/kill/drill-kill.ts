import { auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { HoldScope } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Grant } from '../../ledger/records.ts'
import { isLive, type LifeSettings } from '../lifecycle.ts'
import type { Operator } from '../operators/operator.ts'
import { undefinedIfCorrupt } from '../read-grants.ts'
import { type KillWish, resolveScope } from './kill-scope.ts'
import { type ListSurvey, openGrantsIn, type Survey, type SurveyParts, surveyScope } from './survey-scope.ts'

/** Dependencies of a drill. */
export interface DrillParts extends SurveyParts {
  readonly ledger: SurveyParts['ledger'] & Pick<Ledger, 'getLease' | 'getGrant' | 'listLeases' | 'appendEvents'>
  readonly settings: Pick<LifeSettings, 'settleMs'>
}

/** The result of a drill: everything that a kill would hit now. Nothing was done. */
export interface KillDrill {
  readonly scope: HoldScope['kind']
  readonly value: string
  readonly counts: {
    /** Active grants, which would end as `killed`. */
    readonly grants: number
    readonly ending: number
    readonly approvals: number
    /** Leases that could still work. */
    readonly leases: number
    readonly agents: number
    readonly teams: number
    readonly owners: number
    /** Grants that cannot be read: nobody knows whether they are in scope. */
    readonly unreadable: number
  }
  /** Those with most grants first. */
  readonly agents: readonly NamedCount[]
  readonly teams: readonly NamedCount[]
  /** The newest grants in scope. */
  readonly grants: readonly Pick<Grant, 'id' | 'subject' | 'roleArn' | 'state'>[]
  readonly denyLists: readonly DrilledList[]
  /** Roles that no deny list reaches, and how many grants of theirs would only run out. */
  readonly undeniable: readonly NamedCount[]
  /** Estimates in seconds after the kill is set. */
  readonly estimate: {
    readonly endedSeconds: number
    readonly writtenSeconds: number
    readonly enforcedSeconds: number
  }
}

/** A name, and how many grants it has. */
export interface NamedCount {
  readonly name: string
  readonly grants: number
}

/** The effects that a kill would have on one deny list. */
export interface DrilledList extends Omit<ListSurvey, 'fitting' | 'others'> {
  /** Where not all fit: grants that would only run out, unless a watermark over the list is allowed. */
  readonly runningOut: number
  /** Whom else that watermark would cut: active grants outside the scope, and the first of their agents. */
  readonly others?: { readonly grants: number; readonly agents: number; readonly first: readonly string[] }
}

const LISTED = 20
/** Rough, for the estimate: so many grants are ended a second. */
const ENDED_A_SECOND = 500

/** Counts and lists what a kill would hit, without doing any of it. That it was asked for is on record. */
export async function drillKill(parts: DrillParts, operator: Operator, wish: KillWish): Promise<KillDrill> {
  const { scope } = await resolveScope(parts.ledger, wish)
  const survey = await surveyScope(parts, scope)
  const { counts, byAgent, byTeam, byOwner, unreadable } = survey
  const hit = {
    ...{ grants: counts.active, ending: counts.ending, approvals: counts.awaiting_approval },
    ...{ leases: await countLeases(parts, scope), agents: byAgent.size },
  }
  const data = { scope: scope.kind, value: scope.value, ...hit }
  const at = parts.clock.now()
  await parts.ledger.appendEvents([auditEvent('kill.drilled', { at, actor: operatorActor(operator), data })])
  return {
    ...{ scope: scope.kind, value: scope.value },
    counts: { ...hit, teams: byTeam.size, owners: byOwner.size, unreadable: unreadable.length },
    ...{ agents: mostFirst(byAgent), teams: mostFirst(byTeam), undeniable: mostFirst(survey.undeniable) },
    grants: survey.sample.map(({ id, subject, roleArn, state }) => ({ id, subject, roleArn, state })),
    denyLists: survey.lists.map(toDrilledList),
    estimate: estimate(survey, parts.settings),
  }
}

async function countLeases(parts: DrillParts, scope: HoldScope): Promise<number> {
  const now = parts.clock.now()
  let live = 0
  for await (const { grants } of openGrantsIn(parts, scope, ['active', 'ending'])) {
    const leases = await Promise.all(grants.map(({ id }) => undefinedIfCorrupt(parts.ledger.listLeases(id))))
    live += leases.flatMap((all) => all ?? []).filter((lease) => isLive(lease, now)).length
  }
  return live
}

function mostFirst(counts: ReadonlyMap<string, number>): NamedCount[] {
  return [...counts]
    .map(([name, grants]) => ({ name, grants }))
    .sort((a, b) => b.grants - a.grants || (a.name < b.name ? -1 : 1))
    .slice(0, LISTED)
}

function toDrilledList({ fitting, others, ...list }: ListSurvey): DrilledList {
  const runningOut = list.fits || others?.grants === 0 ? 0 : list.grants - (fitting?.size ?? 0)
  if (!others) return { ...list, runningOut }
  return {
    ...list,
    runningOut,
    others: { grants: others.grants, agents: others.agents.length, first: others.agents.slice(0, LISTED) },
  }
}

/** Each document of a list takes a second of its own; the lists are written beside each other. */
function estimate({ counts, lists }: Survey, { settleMs }: Pick<LifeSettings, 'settleMs'>): KillDrill['estimate'] {
  const all = counts.active + counts.ending + counts.awaiting_approval
  const endedSeconds = all === 0 ? 0 : 1 + Math.ceil(all / ENDED_A_SECOND)
  const writtenSeconds = endedSeconds + (lists.length === 0 ? 0 : 1 + Math.max(...lists.map((list) => list.documents)))
  const settleSeconds = lists.length === 0 ? 0 : Math.ceil(settleMs / 1_000)
  return { endedSeconds, writtenSeconds, enforcedSeconds: writtenSeconds + settleSeconds }
}
