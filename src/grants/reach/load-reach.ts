import { StintError } from '../../core/errors.ts'
import type { GrantFilter, LedgerReads } from '../../ledger/ledger.ts'
import { MAX_OPEN_GRANTS } from '../../ledger/pages.ts'
import type { Grant } from '../../ledger/records.ts'
import { roleAccountId } from '../../ledger/rules/hold-rules.ts'
import type { Plan } from '../../plan/plan.ts'
import { type CombinedReach, combineReach } from '../../plan/reach/combine-reach.ts'
import type { PlanReach } from '../../plan/reach/reach-record.ts'
import { chooseAgents } from '../operators/agent-choice.ts'
import { undefinedIfCorrupt } from '../read-grants.ts'

/** The kinds of scope that a reach can be asked for. */
export const REACH_SCOPES = ['grant', 'agent', 'owner', 'team', 'account'] as const
/** Whose reach. An agent is named by its subject, or by the name of its registration. */
export interface ReachScope {
  readonly kind: (typeof REACH_SCOPES)[number]
  readonly name: string
}

/** The combined reach of the grants of a scope. */
export interface ReachReport extends CombinedReach {
  readonly scope: ReachScope
  readonly at: Date
  /** Grants that could act at some time since then; absent: those that can act now. */
  readonly since?: Date
  readonly grants: number
  readonly agents: readonly string[]
  /** False if there are more grants than one report looks at, or plans that cannot be read. */
  readonly complete: boolean
}

/** Dependencies of a report. */
export interface ReachParts {
  readonly ledger: Pick<LedgerReads, 'listGrants' | 'getGrant' | 'getPlan'>
  /** The reach of a plan by the policies of its role as they are now; undefined if they are not known. */
  readonly reachOf: (plan: Plan) => PlanReach | undefined
}

/** Grants of one report. */
const MAX_GRANTS = 20_000
/** The longest that a grant can wait for an approval and then run. */
const LONGEST_LIFE_MS = 7.5 * 86_400_000
const PLANS_AT_A_TIME = 50

/**
 * Adds up what all grants of a scope can do: those that can act now (active, or ending and not yet over), or all that could act at
 * some time since an instant.
 *
 * @throws {StintError} GRANT_NOT_FOUND for a grant that is not there. Any other scope without grants has an empty reach.
 */
export async function loadReach(
  { ledger, reachOf }: ReachParts,
  scope: ReachScope,
  { now, since }: { readonly now: Date; readonly since?: Date | undefined },
): Promise<ReachReport> {
  const { grants, complete } = await findGrants(ledger, scope, since)
  const byPlan = Map.groupBy(grants, ({ planHash }) => planHash)
  const hashes = [...byPlan.keys()]
  const plans: { plan: Plan; grants: number; reach: PlanReach | undefined }[] = []
  for (let at = 0; at < hashes.length; at += PLANS_AT_A_TIME) {
    const loaded = await Promise.all(
      hashes.slice(at, at + PLANS_AT_A_TIME).map((hash) => undefinedIfCorrupt(ledger.getPlan(hash))),
    )
    for (const plan of loaded)
      if (plan) plans.push({ plan, grants: byPlan.get(plan.hash)?.length ?? 0, reach: reachOf(plan) ?? plan.reach })
  }
  return {
    scope,
    at: now,
    ...(since && { since }),
    grants: grants.length,
    agents: [...new Set(grants.map(({ subject }) => subject))].sort(),
    complete: complete && plans.length === hashes.length,
    ...combineReach(plans),
  }
}

async function findGrants(
  ledger: ReachParts['ledger'],
  scope: ReachScope,
  since: Date | undefined,
): Promise<{ grants: readonly Grant[]; complete: boolean }> {
  const { kind, name } = scope
  if (kind === 'grant') {
    const grant = await ledger.getGrant(name)
    if (!grant) throw new StintError('GRANT_NOT_FOUND', { explanation: `There is no grant ${name}.`, grantId: name })
    // One that waits is asked about by whoever is to approve it.
    const counts = since !== undefined || canAct(grant) || grant.state === 'awaiting_approval'
    return { grants: counts ? [grant] : [], complete: true }
  }
  const scoped = toFilter(scope)
  const filters: GrantFilter[] = since
    ? [{ ...scoped, requestedAfter: new Date(since.getTime() - LONGEST_LIFE_MS) }]
    : (['active', 'ending'] as const).map((state) => ({ ...scoped, state }))
  const grants: Grant[] = []
  let looked = 0
  for (const filter of filters) {
    let cursor: string | undefined
    do {
      const page = await ledger.listGrants(filter, { limit: PAGE, ...(cursor !== undefined && { cursor }) })
      looked += page.items.length
      grants.push(
        ...page.items.filter((grant) => isMeant(grant, scope) && (since ? couldAct(grant, since) : canAct(grant))),
      )
      cursor = page.nextCursor
      if (looked >= MAX_GRANTS && cursor !== undefined) return { grants, complete: false }
    } while (cursor !== undefined)
  }
  return { grants, complete: true }
}

/** The most that a store gives at a time. */
const PAGE = Math.min(200, MAX_OPEN_GRANTS)

/** What the store can look for; `isMeant` does the rest. */
function toFilter({ kind, name }: ReachScope): GrantFilter {
  if (kind === 'owner') return { owner: name }
  const subject = kind === 'agent' ? chooseAgents(name).subject : undefined
  return subject === undefined ? {} : { subject }
}

function isMeant(grant: Grant, { kind, name }: ReachScope): boolean {
  if (kind === 'team') return grant.team === name
  if (kind === 'account') return roleAccountId(grant.roleArn) === name
  if (kind === 'agent') return chooseAgents(name).covers(grant)
  return true
}

function canAct({ state }: Grant): boolean {
  return state === 'active' || state === 'ending'
}

function couldAct({ activeAt, endedAt }: Grant, since: Date): boolean {
  return activeAt !== undefined && (endedAt === undefined || endedAt >= since)
}
