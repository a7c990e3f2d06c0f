import type { Clock } from '../../core/clock.ts'
import type { DenyCandidate } from '../../credentials/deny-list.ts'
import { spreadDenyList, toDenies } from '../../credentials/deny-spread.ts'
import type { CredentialProvider, DenyListContent } from '../../credentials/provider.ts'
import type { OpenGrantFilter, OpenGrantState } from '../../ledger/holds/hold-ledger.ts'
import type { HoldScope } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { MAX_OPEN_GRANTS } from '../../ledger/pages.ts'
import type { DenyEntry, Grant } from '../../ledger/records.ts'
import { covers, touchedLabels } from '../../ledger/rules/hold-rules.ts'
import { loadPlan, undefinedIfCorrupt } from '../read-grants.ts'

/** Dependencies of looking at what is in a scope. */
export interface SurveyParts {
  readonly ledger: Pick<Ledger, 'openGrants' | 'getPlan' | 'denyEntries' | 'getDenyList'>
  readonly provider: Pick<CredentialProvider, 'findDenyList' | 'listDocuments' | 'fits' | 'denyWindow'>
  readonly clock: Clock
}

/** In this order, since a grant may move on while they are gone through. */
export const OPEN_STATES = ['awaiting_approval', 'active', 'ending'] as const satisfies readonly OpenGrantState[]

/** The grants and approvals in a scope now. */
export interface Survey {
  readonly counts: Readonly<Record<OpenGrantState, number>>
  /** Grants by agent, those that wait included. */
  readonly byAgent: ReadonlyMap<string, number>
  readonly byTeam: ReadonlyMap<string, number>
  readonly byOwner: ReadonlyMap<string, number>
  /** The first of them. */
  readonly sample: readonly Grant[]
  /** Ids of grants that cannot be read: nobody knows whether they are in scope. */
  readonly unreadable: readonly string[]
  readonly lists: readonly ListSurvey[]
  /** Grants whose role has no deny list, by role: their leases run out. */
  readonly undeniable: ReadonlyMap<string, number>
}

/** The effects that a kill would have on one deny list. */
export interface ListSurvey {
  readonly key: string
  /** Roles that the list reaches. */
  readonly roleArns: readonly string[]
  /** Grants in scope that would go on it. */
  readonly grants: number
  /** Policy documents that it is spread over. */
  readonly documents: number
  /** All of them fit by name, or by watermarks of their own agents. */
  readonly fits: boolean
  /** Where not all fit: those that do. */
  readonly fitting?: ReadonlySet<string>
  /** Where not all fit: whom else a watermark over the list would cut. */
  readonly others?: { readonly grants: number; readonly agents: readonly string[] }
}

const SAMPLE = 20

/** Goes through every open grant that may be in a scope. */
export async function* openGrantsIn(
  parts: Pick<SurveyParts, 'ledger' | 'provider'>,
  scope: HoldScope,
  states: readonly OpenGrantState[] = OPEN_STATES,
): AsyncGenerator<{ readonly grants: readonly Grant[]; readonly damaged: readonly string[] }> {
  const filter = toFilter(scope)
  const plans = new PlanReader(parts)
  for (const state of states) {
    for (let cursor: string | undefined; ; ) {
      const page = await parts.ledger.openGrants({
        ...{ state, filter, limit: MAX_OPEN_GRANTS },
        ...(cursor !== undefined && { cursor }),
      })
      const isInScope = await Promise.all(page.grants.map((grant) => plans.covers(scope, grant)))
      yield { grants: page.grants.filter((_, at) => isInScope[at]), damaged: page.damaged }
      if (page.nextCursor === undefined) break
      cursor = page.nextCursor
    }
  }
}

/** The grants that a kill of this scope would hit now, and whether its denies have room. */
export async function surveyScope(parts: SurveyParts, scope: HoldScope): Promise<Survey> {
  const counts = { awaiting_approval: 0, active: 0, ending: 0 }
  const [byAgent, byTeam, byOwner] = [new Tallies(), new Tallies(), new Tallies()]
  const undeniable = new Tallies()
  const sample: Grant[] = []
  const unreadable: string[] = []
  const byList = new Map<string, Grant[]>()
  for await (const { grants, damaged } of openGrantsIn(parts, scope)) {
    unreadable.push(...damaged)
    for (const grant of grants) {
      counts[grant.state as OpenGrantState] += 1
      byAgent.add(grant.subject)
      byTeam.add(grant.team)
      byOwner.add(grant.owner)
      if (sample.length < SAMPLE) sample.push(grant)
      if (grant.state === 'awaiting_approval') continue
      const key = parts.provider.findDenyList(grant.roleArn)?.key
      if (key === undefined) undeniable.add(grant.roleArn)
      else if (!byList.get(key)?.push(grant)) byList.set(key, [grant])
    }
  }
  const lists = []
  for (const [key, grants] of byList) lists.push(await surveyList(parts, scope, key, grants))
  return {
    ...{ counts, sample, unreadable, lists },
    ...{ byAgent: byAgent.counts, byTeam: byTeam.counts, byOwner: byOwner.counts, undeniable: undeniable.counts },
  }
}

class Tallies {
  readonly counts = new Map<string, number>()

  add(key: string): void {
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }
}

/** Facts about a plan that decide whether a kill covers its grants, and how they can be denied. */
interface PlanFacts {
  /** Missing for a plan that cannot be read: it may touch any. */
  readonly touches?: readonly string[]
  /** Its sessions can make others, which only the name of the grant denies. */
  readonly chains: boolean
}

/** Reads facts about plans once; many grants share a plan. */
class PlanReader {
  readonly #parts: Pick<SurveyParts, 'ledger' | 'provider'>
  readonly #known = new Map<string, Promise<PlanFacts>>()

  constructor(parts: Pick<SurveyParts, 'ledger' | 'provider'>) {
    this.#parts = parts
  }

  read(grant: Grant): Promise<PlanFacts> {
    const known = this.#known.get(grant.planHash)
    if (known) return known
    const read = this.#read(grant)
    this.#known.set(grant.planHash, read)
    return read
  }

  async #read(grant: Grant): Promise<PlanFacts> {
    const plan = await undefinedIfCorrupt(loadPlan(this.#parts.ledger, grant))
    const { outlivesLeases: chains } = this.#parts.provider.denyWindow([], plan)
    return plan ? { touches: touchedLabels(plan), chains } : { chains }
  }

  async covers(scope: HoldScope, grant: Grant): Promise<boolean> {
    const touches = scope.kind === 'label' ? (await this.read(grant)).touches : []
    return covers(scope, { ...grant, touches })
  }
}

/** By what the ledger has an index for. */
function toFilter({ kind, value }: HoldScope): OpenGrantFilter {
  if (kind === 'owner') return { owner: value }
  if (kind === 'role') return { roleArn: value }
  // Without a colon it may be the name of a registration.
  const isOneAgent = kind === 'agent' && value.includes(':') && !value.endsWith('*')
  return isOneAgent ? { subject: value } : {}
}

async function surveyList(
  parts: SurveyParts,
  scope: HoldScope,
  key: string,
  grants: readonly Grant[],
): Promise<ListSurvey> {
  const { provider } = parts
  const documents = provider.listDocuments?.(key) ?? [key]
  const roleArns = provider.findDenyList(grants[0]?.roleArn ?? '')?.roleArns ?? []
  const common = { key, roleArns, grants: grants.length, documents: documents.length }
  const plans = new PlanReader(parts)
  const candidates = await Promise.all(grants.map(async (grant) => toUrgent(grant, await plans.read(grant), parts)))
  const room = new ListRoom(parts, documents, await parts.ledger.denyEntries(key), candidates)
  if (room.has(room.agents)) return { ...common, fits: true }
  return { ...common, fits: false, fitting: room.fitting(), others: await findOthers(parts, scope, key) }
}

/** Room on a list for grants, agent by agent, without a watermark that cuts everybody. */
class ListRoom {
  readonly #parts: SurveyParts
  readonly #documents: readonly string[]
  readonly #others: readonly DenyCandidate[]
  readonly #byAgent: readonly (readonly DenyCandidate[])[]

  constructor(
    parts: SurveyParts,
    documents: readonly string[],
    entries: readonly DenyEntry[],
    candidates: readonly DenyCandidate[],
  ) {
    this.#parts = parts
    this.#documents = documents
    const ids = new Set(candidates.map(({ grantId }) => grantId))
    this.#others = entries.filter(({ grantId }) => !ids.has(grantId)).map(toCandidate)
    const byAgent = Map.groupBy(candidates, ({ agent }) => agent)
    // Whoever has most is denied by the fewest places.
    this.#byAgent = [...byAgent.values()].sort((a, b) => b.length - a.length)
  }

  get agents(): number {
    return this.#byAgent.length
  }

  /** True if the grants of the first so many agents fit. */
  has(agents: number): boolean {
    const entries = [...this.#others, ...this.#byAgent.slice(0, agents).flat()]
    const fits = (key: string) => (content: DenyListContent, spare: number) =>
      this.#parts.provider.fits(key, content, spare)
    const nothing = toDenies({ grants: [] })
    const documents = this.#documents.map((key) => ({ key, now: nothing, fits: fits(key) }))
    return spreadDenyList({ entries, documents, elsewhere: new Set() }).whole.watermark === undefined
  }

  fitting(): ReadonlySet<string> {
    let [fit, tooMany] = [0, this.#byAgent.length]
    while (tooMany - fit > 1) {
      const middle = Math.floor((fit + tooMany) / 2)
      if (this.has(middle)) fit = middle
      else tooMany = middle
    }
    return new Set(
      this.#byAgent
        .slice(0, fit)
        .flat()
        .map(({ grantId }) => grantId),
    )
  }
}

/** The deny that the kill would put on the list; sessions of now carry the agent in their names. */
function toUrgent({ id, subject }: Grant, { chains }: PlanFacts, { clock }: SurveyParts): DenyCandidate {
  return { grantId: id, agent: subject, lastIssuedAt: clock.now(), named: true, chains, urgent: true }
}

function toCandidate({ grantId, lastIssuedAt, agent, namesAgent, chains, urgent }: DenyEntry): DenyCandidate {
  return {
    ...{ grantId, lastIssuedAt, named: namesAgent === true, chains: chains === true, urgent: urgent === true },
    ...(agent !== undefined && { agent }),
  }
}

/** Active grants of a list that are not in the scope: a watermark over the list would cut them. */
async function findOthers(parts: SurveyParts, scope: HoldScope, key: string) {
  const plans = new PlanReader(parts)
  const agents = new Set<string>()
  let grants = 0
  for await (const page of openGrantsIn(parts, { kind: 'everything', value: '*' }, ['active'])) {
    for (const grant of page.grants) {
      if (parts.provider.findDenyList(grant.roleArn)?.key !== key) continue
      if (await plans.covers(scope, grant)) continue
      grants += 1
      agents.add(grant.subject)
    }
  }
  return { grants, agents: [...agents].sort() }
}
