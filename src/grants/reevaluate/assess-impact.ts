import { setImmediate as nextTurn } from 'node:timers/promises'
import { StintError } from '../../core/errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Grant } from '../../ledger/records.ts'
import type { Plan } from '../../plan/plan.ts'
import { compilePolicySet, type PolicyFile, type PolicySet } from '../../policy/policy-set.ts'
import type { Judge } from '../judge.ts'
import { loadPlan, undefinedIfCorrupt } from '../read-grants.ts'
import { judgeAnew, type Standing, settleApproval, standingKey } from './judge-anew.ts'

/** Dependencies of telling what a policy set would do to the grants that are open. */
export interface ImpactParts {
  readonly ledger: Pick<Ledger, 'listGrants' | 'getPlan' | 'findApproval'>
  readonly clock: { now(): Date }
  /** A judge with this set, and all other rules as they are now. */
  readonly judgeWith: (set: PolicySet) => Pick<Judge, 'judge'>
}

/** A grant that a policy set would not leave as it is. */
export interface AffectedGrant {
  readonly grantId: string
  readonly subject: string
  readonly owner: string
  readonly team: string
  readonly state: 'active' | 'awaiting_approval'
  /** `needs_approval`: it would end too, since nobody has approved it; a new request would ask. */
  readonly effect: 'ends' | 'needs_approval'
  readonly code: string
  /** The first pair that is not allowed any more, and the policies that forbid it. */
  readonly action?: string
  readonly resource?: string
  readonly policies: readonly string[]
}

/** Number of grants of one agent, team or policy that would be affected. */
export interface ImpactGroup {
  readonly name: string
  readonly count: number
}

/** The effects that a policy set would have on open grants if it came into force now. */
export interface PolicyImpact {
  readonly policySetHash: string
  readonly active: { readonly judged: number; readonly ending: number; readonly needingApproval: number }
  /** Waiting grants that it would not permit: their questions would be voided. */
  readonly waiting: { readonly judged: number; readonly refused: number }
  /** Grants that could not be judged: they would go on. */
  readonly undecided: number
  readonly byAgent: readonly ImpactGroup[]
  readonly byTeam: readonly ImpactGroup[]
  /** Policies that forbid; `(no policy permits it)` where none does. */
  readonly byPolicy: readonly ImpactGroup[]
  /** The first of them. */
  readonly first: readonly AffectedGrant[]
}

const PAGE = 200
const MAX_FIRST = 20
const MAX_GROUPS = 20
/** Grants judged between two turns of the event loop. */
const SLICE = 20
const NO_PERMIT = '(no policy permits it)'

/**
 * Judges every open grant by a policy set that is not in force, and changes nothing.
 *
 * @throws {StintError} POLICY_INVALID with `details.problems` for a set that could not be used
 */
export async function assessImpact(parts: ImpactParts, files: readonly PolicyFile[]): Promise<PolicyImpact> {
  const { set, problems } = compilePolicySet(files)
  if (!set) {
    const errors = problems.filter(({ severity }) => severity === 'error')
    const explanation = `The set cannot be used: ${errors.length} problem(s), the first is ${errors[0]?.message}`
    throw new StintError('POLICY_INVALID', { explanation, problems: errors.slice(0, 100).map((one) => ({ ...one })) })
  }
  const assessment = new Assessment(parts, set)
  for (const state of ['active', 'awaiting_approval'] as const) await assessment.judgeAll(state)
  return assessment.report()
}

class Assessment {
  readonly #parts: ImpactParts
  readonly #set: PolicySet
  readonly #judge: Pick<Judge, 'judge'>
  readonly #standings = new Map<string, Standing>()
  readonly #judged = { active: 0, awaiting_approval: 0 }
  readonly #affected = { active: { ends: 0, needs_approval: 0 }, awaiting_approval: { ends: 0, needs_approval: 0 } }
  readonly #counts = {
    agent: new Map<string, number>(),
    team: new Map<string, number>(),
    policy: new Map<string, number>(),
  }
  readonly #first: AffectedGrant[] = []
  #undecided = 0

  constructor(parts: ImpactParts, set: PolicySet) {
    this.#parts = parts
    this.#set = set
    this.#judge = parts.judgeWith(set)
  }

  async judgeAll(state: 'active' | 'awaiting_approval'): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.#parts.ledger.listGrants({ state }, { limit: PAGE, ...(cursor && { cursor }) })
      for (const [index, grant] of page.items.entries()) {
        if (index % SLICE === 0) await nextTurn()
        await this.#judgeOne(grant, state)
      }
      cursor = page.nextCursor
    } while (cursor !== undefined)
  }

  report(): PolicyImpact {
    const { active, awaiting_approval: waiting } = this.#affected
    return {
      policySetHash: this.#set.hash,
      active: { judged: this.#judged.active, ending: active.ends, needingApproval: active.needs_approval },
      waiting: { judged: this.#judged.awaiting_approval, refused: waiting.ends },
      undecided: this.#undecided,
      byAgent: largest(this.#counts.agent),
      byTeam: largest(this.#counts.team),
      byPolicy: largest(this.#counts.policy),
      first: this.#first,
    }
  }

  async #judgeOne(grant: Grant, state: 'active' | 'awaiting_approval'): Promise<void> {
    this.#judged[state] += 1
    const plan = await undefinedIfCorrupt(loadPlan(this.#parts.ledger, grant))
    const standing = plan && (await this.#standing(grant, plan, state))
    if (!standing || standing.kind === 'undecided') this.#undecided += 1
    else if (standing.kind === 'refused') this.#note(grant, state, standing)
  }

  async #standing(grant: Grant, plan: Plan, state: 'active' | 'awaiting_approval'): Promise<Standing> {
    const key = standingKey(grant)
    const standing = this.#standings.get(key) ?? judgeAnew(this.#judge, grant, plan, this.#parts.clock.now())
    this.#standings.set(key, standing)
    // A question that waits may be asked for another reason, or of other people: it is not over.
    if (standing.kind !== 'needs_approval') return standing
    return state === 'active' ? settleApproval(this.#parts.ledger, grant, plan, standing) : { kind: 'stands' }
  }

  #note(
    { id, subject, owner, team }: Grant,
    state: 'active' | 'awaiting_approval',
    { code, failedPairs }: Extract<Standing, { kind: 'refused' }>,
  ): void {
    const effect = code === 'APPROVAL_STALE' ? 'needs_approval' : 'ends'
    this.#affected[state][effect] += 1
    const [pair] = failedPairs
    const policies = [...new Set(failedPairs.flatMap((one) => one.policies))].sort()
    add(this.#counts.agent, subject)
    add(this.#counts.team, team)
    if (code === 'POLICY_DENIED')
      for (const policy of policies.length > 0 ? policies : [NO_PERMIT]) add(this.#counts.policy, policy)
    if (this.#first.length >= MAX_FIRST) return
    const about = pair ? { action: pair.action, resource: pair.resource } : {}
    this.#first.push({ grantId: id, subject, owner, team, state, effect, code, ...about, policies })
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function largest(counts: ReadonlyMap<string, number>): ImpactGroup[] {
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_GROUPS)
}
