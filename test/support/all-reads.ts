import type { Ledger, Page, PageRequest } from '../../src/ledger/ledger.ts'
import { APPROVAL_STATES, GRANT_STATES } from '../../src/ledger/records.ts'

/** Small, so that lists have several pages. */
const PAGE = 3

/** What every read of a ledger answers, asked for everything that there is; two ledgers with the same content answer the same. */
export async function allReads(ledger: Ledger, now: Date): Promise<Record<string, unknown>> {
  const grants = await allPages((page) => ledger.listGrants({}, page))
  const approvals = await allPages((page) => ledger.listApprovals({}, page))
  const denyLists = await ledger.listDenyLists()
  const subjects = [...new Set(grants.map(({ subject }) => subject))].sort()
  const lists = async <T>(filters: readonly T[], list: (filter: T) => Promise<unknown>) =>
    Promise.all(filters.map(async (filter) => [filter, await list(filter)] as const))
  return {
    grants,
    approvals,
    denyLists,
    byState: await lists(GRANT_STATES, (state) => allPages((page) => ledger.listGrants({ state }, page))),
    bySubject: await lists(subjects, (subject) => allPages((page) => ledger.listGrants({ subject }, page))),
    byOwner: await lists([...new Set(grants.map(({ owner }) => owner))], (owner) =>
      allPages((page) => ledger.listGrants({ owner }, page)),
    ),
    approvalsByState: await lists(APPROVAL_STATES, (state) =>
      allPages((page) => ledger.listApprovals({ state }, page)),
    ),
    each: await Promise.all(
      grants.map(async ({ id, subject, idempotencyKey, planHash, ...past }) => ({
        grant: await ledger.getGrant(id),
        byKey: await ledger.findGrantByKey(subject, idempotencyKey),
        plan: await ledger.getPlan(planHash),
        leases: await ledger.listLeases(id),
        approval: await ledger.findApproval(id),
        lastApproved: await ledger.findLastApproved({ id, subject, ...past }),
        reusable: await ledger.findReusable({ subject, planHash, givenAfter: new Date(0) }),
        deny: await ledger.findDenyEntry(id),
        trail: await ledger.trail(id),
      })),
    ),
    approvalsById: await Promise.all(approvals.map(({ id }) => ledger.getApproval(id))),
    denyListsByKey: await Promise.all(denyLists.map(({ key }) => ledger.getDenyList(key))),
    watermarks: await Promise.all(
      denyLists.flatMap(({ key }) => subjects.map((subject) => ledger.denyWatermark(key, subject))),
    ),
    quarantine: await ledger.quarantine(),
    budgets: await allPages((page) => ledger.listBudgetMeters(page)),
    holds: await allPages((page) => ledger.listHolds({}, page)),
    holdsInForce: await ledger.holdsInForce(),
    runningHolds: await ledger.runningHolds(),
    openGrants: await ledger.openGrants({ state: 'active', limit: 500 }),
    unregistered: await allPages((page) => ledger.listUnregistered(page)),
    events: await ledger.auditEvents({ afterPosition: 0, limit: 100_000 }),
    laterEvents: await ledger.auditEvents({ afterPosition: 5, limit: 7 }),
    heads: await ledger.auditHeads(),
    counts: await ledger.countGrants(),
    firstRequested: await lists(subjects, (subject) => ledger.firstRequestedAt(subject)),
    open: await lists(subjects, (subject) => ledger.countOpenGrants(subject)),
    abandoned: await ledger.abandonedLeases({ now, limit: 100 }),
  }
}

async function allPages<T>(list: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) })
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return items
}
