import { StintError } from '../../core/errors.ts'
import type { GrantFilter, LedgerReads, Page, PageRequest } from '../../ledger/ledger.ts'
import type { Approval, ApprovalState, Grant } from '../../ledger/records.ts'
import { undefinedIfCorrupt } from '../read-grants.ts'

/** The agents that somebody means by a text: one by its subject, or all that asked under a registration by its name. */
export interface AgentChoice {
  /** Missing if a registration is named. */
  readonly subject?: string
  covers(grant: Pick<Grant, 'subject' | 'registration'>): boolean
}

/** A subject has a colon, and no name of a registration has one. */
export function chooseAgents(agent: string): AgentChoice {
  if (agent.includes(':')) return { subject: agent, covers: ({ subject }) => subject === agent }
  return { covers: ({ registration }) => registration === agent }
}

/** The error for a text that is neither a subject nor a name of a registration. */
export function noSuchAgent(agent: string): StintError {
  const explanation = `No registration is named ${agent}; name one as in stint agents list, or an agent by its SPIFFE ID or OIDC subject.`
  return new StintError('REGISTRATION_NOT_FOUND', { explanation, registration: agent })
}

/** Where the lists of some agents come from. */
export interface AgentListParts {
  readonly ledger: Pick<LedgerReads, 'listGrants' | 'listApprovals' | 'getGrant'>
  /** Asked only if nothing is found: the record has grants of registrations that are gone. */
  readonly isRegistered: (name: string) => Promise<boolean>
}

/**
 * The grants of an agent, or of the agents of a registration, newest first. A page may have fewer items than were asked for.
 *
 * @throws {StintError} REGISTRATION_NOT_FOUND for a name that neither a registration nor a grant has
 */
export async function listChosenGrants(
  parts: AgentListParts,
  agent: string,
  filter: Omit<GrantFilter, 'subject'>,
  page: PageRequest,
): Promise<Page<Grant>> {
  const { subject, covers } = chooseAgents(agent)
  if (subject !== undefined) return parts.ledger.listGrants({ ...filter, subject }, page)
  const load = (next: PageRequest) => parts.ledger.listGrants(filter, next)
  return requireKnown(parts, agent, page, await readOn(load, async (grant) => covers(grant), page))
}

/** The approvals of an agent's grants; as `listChosenGrants`. One whose grant cannot be read is left out. */
export async function listChosenApprovals(
  parts: AgentListParts,
  agent: string,
  filter: { readonly state?: ApprovalState },
  page: PageRequest,
): Promise<Page<Approval>> {
  const { subject, covers } = chooseAgents(agent)
  const isMeant = async ({ grantId }: Approval) => {
    const grant = await undefinedIfCorrupt(parts.ledger.getGrant(grantId))
    return grant !== undefined && covers(grant)
  }
  const found = await readOn((next) => parts.ledger.listApprovals(filter, next), isMeant, page)
  return subject === undefined ? requireKnown(parts, agent, page, found) : found
}

/** So many pages of the store are read for one of these, lest one call goes through the whole ledger. */
const MOST_READS = 50

/** Never reads beyond the last item that it gives, so the store's cursor is the right one for the next page. */
async function readOn<T>(
  load: (page: PageRequest) => Promise<Page<T>>,
  isMeant: (item: T) => Promise<boolean>,
  { limit, cursor }: PageRequest,
): Promise<Page<T>> {
  const items: T[] = []
  let next = cursor
  for (let reads = 0; reads < MOST_READS && items.length < limit; reads += 1) {
    const page = await load({ limit: limit - items.length, ...(next !== undefined && { cursor: next }) })
    const meant = await Promise.all(page.items.map(isMeant))
    items.push(...page.items.filter((_, index) => meant[index]))
    next = page.nextCursor
    if (next === undefined) return { items }
  }
  return next === undefined ? { items } : { items, nextCursor: next }
}

/** An empty list of a misspelt name would look like an answer. */
async function requireKnown<T>(
  { isRegistered }: AgentListParts,
  name: string,
  { cursor }: PageRequest,
  page: Page<T>,
): Promise<Page<T>> {
  const isEmpty = cursor === undefined && page.items.length === 0 && page.nextCursor === undefined
  if (isEmpty && !(await isRegistered(name))) throw noSuchAgent(name)
  return page
}
