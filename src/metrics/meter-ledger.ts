import { isEvent } from '../ledger/events/audit-event.ts'
import type { Ledger, LedgerReads, LedgerWrites } from '../ledger/ledger.ts'
import type { DenyProof } from '../ledger/records.ts'
import { meterCalls } from './meter-calls.ts'
import type { Metrics } from './metrics.ts'

const WRITES = {
  openGrant: true,
  intendLease: true,
  settleLease: true,
  moveGrant: true,
  appendEvents: true,
  nameHeads: true,
  noteUnregistered: true,
  appendReports: true,
  connectionClosed: true,
  sweepGrants: true,
  claimDenyList: true,
  denyWritten: true,
  denyProven: true,
  denyFailed: true,
  dueDenyLists: true,
  beginQuarantine: true,
  openQuarantine: true,
  putHold: true,
  liftHold: true,
  noteHold: true,
  prune: true,
  keepNotices: true,
  claimNotices: true,
  settleNotices: true,
  holdNotices: true,
  resendNotices: true,
  noteOnce: true,
  pruneNotices: true,
  changeRegistration: true,
  recordReview: true,
  recordReminder: true,
} as const satisfies Record<keyof LedgerWrites, true>

const READS = {
  getGrant: true,
  findGrantByKey: true,
  listGrants: true,
  getPlan: true,
  listLeases: true,
  getApproval: true,
  findApproval: true,
  listApprovals: true,
  findLastApproved: true,
  findReusable: true,
  firstRequestedAt: true,
  findDenyEntry: true,
  getDenyList: true,
  denyWatermark: true,
  knowsEpoch: true,
  listDenyLists: true,
  quarantine: true,
  listUnregistered: true,
  trail: true,
  auditEvents: true,
  auditHeads: true,
  countGrants: true,
  countOpenGrants: true,
  abandonedLeases: true,
  listBudgetMeters: true,
  holdsInForce: true,
  getHold: true,
  listHolds: true,
  runningHolds: true,
  heldDenies: true,
  openGrants: true,
  denyEntries: true,
  getLease: true,
  noticeEndpoints: true,
  hasDueNotices: true,
  deadNotices: true,
  noticeMark: true,
  eventsOfTypes: true,
  registrationsMark: true,
  registrations: true,
} as const satisfies Record<keyof LedgerReads, true>

/** The names of all writes of a ledger. */
export const LEDGER_WRITES: readonly (keyof LedgerWrites)[] = names(WRITES)

/** The ledger, with its writes timed and its failures counted; and the time from each deny to its being in force. */
export function meterLedger(ledger: Ledger, metrics: Metrics): Ledger {
  const { failures, seconds } = metrics.ledger
  const reads = meterCalls(ledger, names(READS), ({ operation, error }) => {
    if (error) failures.inc({ operation, code: error.code })
  })
  const writes = meterCalls(reads, names(WRITES), (call) => {
    seconds.observe({ operation: call.operation }, call.seconds)
    if (call.error) failures.inc({ operation: call.operation, code: call.error.code })
  })
  return { ...writes, sweepGrants: (input) => writes.sweepGrants(withDenyTimes(input, metrics)) }
}

/** Members that the end of a grant has where the deny list ended it. */
type DenyLag = { readonly lagMs?: number; readonly enforcedBy?: DenyProof }

type Sweep = Parameters<Ledger['sweepGrants']>[0]

function withDenyTimes(sweep: Sweep, { denies }: Metrics): Sweep {
  return {
    ...sweep,
    settle: (due) => {
      const move = sweep.settle(due)
      for (const event of move.events) {
        if (!isEvent('grant.ended', event)) continue
        const { lagMs, enforcedBy } = event.data as DenyLag
        if (lagMs !== undefined && enforcedBy) denies.observe({ by: enforcedBy }, lagMs / 1_000)
      }
      return move
    },
  }
}

function names<Name extends string>(methods: Record<Name, true>): Name[] {
  return Object.keys(methods) as Name[]
}
