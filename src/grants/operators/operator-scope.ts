import type { Ledger, LedgerReads, Page } from '../../ledger/ledger.ts'
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
>

/**
 * A ledger in which an operator finds what is in scope and nothing else; the very same ledger for one without a scope. A page of
 * a list may have fewer items than were asked for. Writes go through as they are: every story reads what it changes first.
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
    listGrants: async (filter, page) => keep(await ledger.listGrants(filter, page), async (grant) => isVisible(grant)),
    listLeases: (id) => ofVisible(id, () => ledger.listLeases(id), []),
    trail: (id) => ofVisible(id, () => ledger.trail(id), []),
    findDenyEntry: (id) => ofVisible(id, () => ledger.findDenyEntry(id), undefined),
    getApproval: async (id) => visibleApproval(await ledger.getApproval(id)),
    findApproval: async (grantId) => visibleApproval(await ledger.findApproval(grantId)),
    // A damaged grant is left out: nobody knows whose it is.
    listApprovals: async (filter, page) =>
      keep(await ledger.listApprovals(filter, page), async ({ grantId }) => {
        return (await undefinedIfCorrupt(findVisible(grantId))) !== undefined
      }),
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

async function keep<T>(page: Page<T>, isVisible: (item: T) => Promise<boolean>): Promise<Page<T>> {
  const visible = await Promise.all(page.items.map(isVisible))
  const items = page.items.filter((_, index) => visible[index])
  return page.nextCursor === undefined ? { items } : { items, nextCursor: page.nextCursor }
}

/** The parts of a story with a ledger that has nothing out of the operator's scope. */
export function scopeParts<Parts extends { readonly ledger: Ledger }>(parts: Parts, operator: Operator): Parts {
  return operator.scope ? { ...parts, ledger: scopeLedger(parts.ledger, operator) } : parts
}
