import type { Ledger } from '../../ledger/ledger.ts'
import { GRANT_STATES, type Grant, type GrantState } from '../../ledger/records.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Registration } from '../../registry/registration.ts'
import { undefinedIfCorrupt } from '../read-grants.ts'

/** The access that agents of a registration requested, split by whether credentials for it were ever issued. */
export interface Usage {
  /** Newest grants that were looked at; older ones are left out if `isWhole` is false. */
  readonly grants: Readonly<Record<GrantState, number>>
  readonly isWhole: boolean
  /** Missing: no grant is on record, so the agents were never seen. */
  readonly firstSeenAt?: Date
  readonly lastSeenAt?: Date
  /** Agents that asked; the first of them. */
  readonly agents: readonly string[]
  readonly agentsLeftOut: number
  /** Credentials were issued for these. */
  readonly used: UsedThings
  /** These were asked for, and no credentials were ever issued for them. */
  readonly neverUsed: UsedThings
}

/** Sorted, each once. */
export interface UsedThings {
  readonly roles: readonly string[]
  readonly classes: readonly string[]
  readonly labels: readonly string[]
  readonly actions: readonly string[]
}

const PAGE = 200
/** So that an agent with very many grants does not make a review slow. */
const MAX_GRANTS = 2_000
const MAX_PLANS = 500
const MAX_AGENTS = 20
const MAX_ACTIONS = 500

/** Reads what the agents of a registration did, from grants and their plans. */
export async function readUsage(
  ledger: Pick<Ledger, 'listGrants' | 'getPlan'>,
  registration: Registration,
): Promise<Usage> {
  const { grants, isWhole } = await readGrants(ledger, registration)
  const plans = await readPlans(ledger, grants)
  const issued = grants.filter(({ leaseCount }) => leaseCount > 0)
  const used = things(issued, plans)
  const asked = things(grants, plans)
  const agents = [...new Set(grants.map(({ subject }) => subject))].sort()
  const times = grants.map(({ requestedAt }) => requestedAt.getTime())
  return {
    grants: countStates(grants),
    isWhole: isWhole && plans.size < MAX_PLANS,
    ...(times.length > 0 && {
      firstSeenAt: new Date(Math.min(...times)),
      lastSeenAt: new Date(Math.max(...times)),
    }),
    agents: agents.slice(0, MAX_AGENTS),
    agentsLeftOut: Math.max(0, agents.length - MAX_AGENTS),
    used,
    neverUsed: {
      roles: without(asked.roles, used.roles),
      classes: without(asked.classes, used.classes),
      labels: without(asked.labels, used.labels),
      actions: without(asked.actions, used.actions),
    },
  }
}

/** Grants of one agent whatever its registration was called; of a prefix those under its name and owner, by which they are found. */
async function readGrants(ledger: Pick<Ledger, 'listGrants'>, { name, match, owner }: Registration) {
  const isPrefix = match.endsWith('/*') || match.endsWith(';*')
  const filter = isPrefix ? { owner } : { subject: match }
  const grants: Grant[] = []
  let cursor: string | undefined
  let looked = 0
  do {
    const page = await ledger.listGrants(filter, { limit: PAGE, ...(cursor !== undefined && { cursor }) })
    looked += PAGE
    grants.push(...page.items.filter(({ registration }) => !isPrefix || registration === name))
    cursor = page.nextCursor
  } while (cursor !== undefined && looked < MAX_GRANTS)
  return { grants, isWhole: cursor === undefined }
}

async function readPlans(ledger: Pick<Ledger, 'getPlan'>, grants: readonly Grant[]): Promise<Map<string, Plan>> {
  const hashes = [...new Set(grants.map(({ planHash }) => planHash))].slice(0, MAX_PLANS)
  const plans = new Map<string, Plan>()
  for (const hash of hashes) {
    const plan = await undefinedIfCorrupt(ledger.getPlan(hash))
    if (plan) plans.set(hash, plan)
  }
  return plans
}

function things(grants: readonly Grant[], plans: ReadonlyMap<string, Plan>): UsedThings {
  const found = [...new Set(grants.map(({ planHash }) => planHash))].flatMap((hash) => plans.get(hash) ?? [])
  return {
    roles: sorted(grants.map(({ roleArn }) => roleArn)),
    classes: sorted(found.flatMap(({ classes }) => classes)),
    labels: sorted(found.flatMap(({ blastRadius }) => Object.keys(blastRadius.byLabel))),
    actions: sorted(found.flatMap(({ pairs }) => pairs.map(({ action }) => action))).slice(0, MAX_ACTIONS),
  }
}

function countStates(grants: readonly Grant[]): Record<GrantState, number> {
  const counts = Object.fromEntries(GRANT_STATES.map((state) => [state, 0])) as Record<GrantState, number>
  for (const { state } of grants) counts[state] += 1
  return counts
}

function sorted(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort()
}

function without(all: readonly string[], some: readonly string[]): string[] {
  const known = new Set(some)
  return all.filter((one) => !known.has(one))
}
