import { type AuditVerdict, unverifiedEvent, walkChains } from '../../src/ledger/audit/walk-chains.ts'
import type { LedgerReads } from '../../src/ledger/ledger.ts'
import type { AuditEvent, Grant } from '../../src/ledger/records.ts'

const PAGE = 1_000

/** Every event on record, by position. */
export async function allEvents(ledger: Pick<LedgerReads, 'auditEvents'>): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  for (;;) {
    const page = await ledger.auditEvents({ afterPosition: events.at(-1)?.position ?? 0, limit: PAGE })
    events.push(...page)
    if (page.length < PAGE) return events
  }
}

/** Every grant on record, the latest first. */
export async function allGrants(ledger: Pick<LedgerReads, 'listGrants'>): Promise<Grant[]> {
  const grants: Grant[] = []
  let cursor: string | undefined
  do {
    const page = await ledger.listGrants({}, { limit: 200, ...(cursor === undefined ? {} : { cursor }) })
    grants.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return grants
}

/** Every event on record but what chains say about themselves. */
export async function recordOf(ledger: Pick<LedgerReads, 'auditEvents'>): Promise<AuditEvent[]> {
  return (await allEvents(ledger)).filter(({ type }) => !type.startsWith('chain.'))
}

/** The record of a ledger that is open, with the heads that it claims. */
export async function verifyLedger(ledger: Pick<LedgerReads, 'auditEvents' | 'auditHeads'>): Promise<AuditVerdict> {
  const { heads } = await ledger.auditHeads()
  return walkChains((await allEvents(ledger)).map(unverifiedEvent), { claimed: heads })
}
