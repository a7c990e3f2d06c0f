import type { Ledger, LedgerReads } from '../../ledger/ledger.ts'
import type { Page, PageRequest } from '../../ledger/pages.ts'
import type { Approval, Grant } from '../../ledger/records.ts'
import { roleAccountId } from '../../ledger/rules/hold-rules.ts'
import { undefinedIfCorrupt } from '../read-grants.ts'
import type { Operator } from './operator.ts'

/** The object that a scope is compared with: a grant, or a registration, which has no account. */
export interface ScopeTarget {
  readonly team: string
  /** Missing for what belongs to no role: it is in no account. */
  readonly roleArn?: string
}

/**
 * True if an operator may see and act on something. The one place that says so. Whoever has a scope sees nothing else, as if it were
 * not there, so that an answer does not tell what exists.
 */
export function isInScope({ scope }: Pick<Operator, 'scope'>, { team, roleArn }: ScopeTarget): boolean {
  if (!scope) return true
  if (scope.teams && !scope.teams.includes(team)) return false
  return !scope.accounts || (roleArn !== undefined && scope.accounts.includes(roleAccountId(roleArn) ?? ''))
}

/** The reads of a ledger that find grants and approvals. */
type ScopedReads = Pick<
  LedgerReads,
  | 'getGrant'
  | 'listGrants'
  | 'listLeases'
  | 'trail'
  | 'findDenyEntry'
  | 'getApproval'
  | 'findApproval'
  | 'listApprovals'
  | 'findGrantByKey'
  | 'findLastApproved'
>

/**
 * A ledger in which an operator finds what is in scope and nothing else; the very same ledger for one without a scope.
 * Writes go through as they are: every story reads what it changes first.
 */
export function scopeLedger<L extends ScopedReads>(ledger: L, operator: Operator): L {
  if (!operator.scope) return ledger
  const isVisible = (grant: Grant | undefined): grant is Grant => grant !== undefined && isInScope(operator, grant)
  const findVisible = async (id: string) => {
    const grant = await ledger.getGrant(id)
    return isVisible(grant) ? grant : undefined
  }
  const ofVisible = async <T>(id: string, read: () => Promise<T>, nothing: T) =>
    (await findVisible(id)) ? read() : nothing
  const visibleApproval = async (approval: Approval | undefined) =>
    approval && (await findVisible(approval.grantId)) ? approval : undefined
  const scoped: ScopedReads = {
    getGrant: findVisible,
    findGrantByKey: async (subject, key) => {
      const grant = await ledger.findGrantByKey(subject, key)
      return isVisible(grant) ? grant : undefined
    },
    listGrants: (filter, page) =>
      visiblePage(
        (some) => ledger.listGrants(filter, some),
        page,
        async (grant) => isVisible(grant),
      ),
    listLeases: (id) => ofVisible(id, () => ledger.listLeases(id), []),
    trail: (id) => ofVisible(id, () => ledger.trail(id), []),
    findDenyEntry: (id) => ofVisible(id, () => ledger.findDenyEntry(id), undefined),
    getApproval: async (id) => visibleApproval(await ledger.getApproval(id)),
    findApproval: async (grantId) => visibleApproval(await ledger.findApproval(grantId)),
    // A damaged grant is left out: nobody knows whose it is.
    listApprovals: (filter, page) =>
      visiblePage(
        (some) => ledger.listApprovals(filter, some),
        page,
        async ({ grantId }) => (await undefinedIfCorrupt(findVisible(grantId))) !== undefined,
      ),
    findLastApproved: async (past) => {
      const last = await ledger.findLastApproved(past)
      return isVisible(last?.grant) ? last : undefined
    },
  }
  return { ...ledger, ...boundReads(ledger), ...scoped }
}

/** A ledger may be an object of a class, whose methods a spread leaves behind. */
function boundReads<L extends object>(ledger: L): Partial<L> {
  const names = new Set<string>()
  for (let at: object | null = ledger; at && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at)) if (name !== 'constructor') names.add(name)
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const member: unknown = ledger[name as keyof L]
      return typeof member === 'function' ? [[name, member.bind(ledger)]] : []
    }),
  ) as Partial<L>
}

const PAGE = 200
/** Pages that are gone through for one page of an operator with a scope. */
const MAX_PAGES = 20

/** An item, and where in the list it was found. */
interface Found<T> {
  readonly item: T
  readonly from: Pick<PageRequest, 'cursor'>
  readonly place: number
}

/**
 * A page of what is visible. It goes on until one more is found than were asked for, so that neither a short page nor a cursor tells
 * that there is something out of scope; after 4,000 items it gives up and says where to go on.
 */
async function visiblePage<T>(
  read: (page: PageRequest) => Promise<Page<T>>,
  asked: PageRequest,
  isVisible: (item: T) => Promise<boolean>,
): Promise<Page<T>> {
  const found: Found<T>[] = []
  let { cursor } = asked
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const from = cursor === undefined ? {} : { cursor }
    const page = await read({ limit: PAGE, ...from })
    const visible = await Promise.all(page.items.map(isVisible))
    found.push(...page.items.flatMap((item, place) => (visible[place] ? [{ item, from, place }] : [])))
    cursor = page.nextCursor
    if (cursor === undefined || found.length > asked.limit) break
  }
  const items = found.slice(0, asked.limit).map(({ item }) => item)
  const last = found.length > asked.limit ? found[asked.limit - 1] : undefined
  // Read again as far as the last item, for the cursor behind it.
  const nextCursor = last ? (await read({ limit: last.place + 1, ...last.from })).nextCursor : cursor
  return nextCursor === undefined ? { items } : { items, nextCursor }
}

/** The parts of a story with a ledger that has nothing out of the operator's scope. */
export function scopeParts<Parts extends { readonly ledger: Ledger }>(parts: Parts, operator: Operator): Parts {
  return operator.scope ? { ...parts, ledger: scopeLedger(parts.ledger, operator) } : parts
}
