import type { LedgerWrites } from '../../ledger.ts'
import { isFinalState, openedGrant } from '../../rules/grant-rules.ts'
import { type SqliteStore, toStoredPlan } from '../sqlite-store.ts'
import { noticeWrites } from '../units/notices.ts'
import { decideSweep } from '../units/sweep.ts'
import type { SqliteWriter } from './write-units.ts'

/** The writes of the contract, by a writer that may be in another thread: so its own view of what is stored is kept up here. */
export function sqliteWrites(store: SqliteStore, writer: SqliteWriter): LedgerWrites {
  const { damaged } = store
  const write = writer.write.bind(writer)
  return {
    openGrant: async (input) => {
      const existing = await write('openGrant', { ...input, plan: toStoredPlan(input.plan) })
      if (existing) return { kind: 'existing', grant: existing }
      const { grant, lease } = openedGrant(input, store.replica)
      return lease ? { kind: 'created', grant, lease } : { kind: 'created', grant }
    },
    moveGrant: async (input) => {
      const moved = await write('moveGrant', input, 'settling')
      if (isFinalState(moved.state)) damaged.over(moved.id)
      return moved
    },
    sweepGrants: async (input) => {
      const swept = (await writer.writeAlone('sweepGrants', () => decideSweep(store, input))) ?? []
      for (const { id, state } of swept) {
        damaged.readable('sweep', id)
        if (isFinalState(state)) damaged.over(id)
      }
      return swept
    },
    prune: async (input) => {
      const { gone, ...counts } = await write('prune', input)
      for (const { grantId, leaseIds } of gone) damaged.gone(grantId, () => leaseIds)
      // SQLite gives row numbers out again, so nothing of the rows that went may be remembered.
      store.forget()
      return counts
    },
    intendLease: (input) => write('intendLease', input),
    settleLease: (input) => write('settleLease', input, 'settling'),
    appendEvents: (events) => write('appendEvents', events),
    nameHeads: (input) => write('nameHeads', input),
    appendReports: (input) => write('appendReports', input),
    noteUnregistered: (attempt) => write('noteUnregistered', attempt),
    connectionClosed: (input) => write('connectionClosed', input, 'settling'),
    claimDenyList: (input) => write('claimDenyList', input, 'settling'),
    denyWritten: (input) => write('denyWritten', input, 'settling'),
    denyProven: (input) => write('denyProven', input, 'settling'),
    denyFailed: (input) => write('denyFailed', input, 'settling'),
    dueDenyLists: (input) => write('dueDenyLists', input, 'settling'),
    beginQuarantine: (input) => write('beginQuarantine', input, 'settling'),
    openQuarantine: (input) => write('openQuarantine', input, 'settling'),
    putHold: (input) => write('putHold', input, 'settling'),
    liftHold: (input) => write('liftHold', input, 'settling'),
    noteHold: (input) => write('noteHold', input, 'settling'),
    ...noticeWrites({ write }),
    changeRegistration: (input) => write('changeRegistration', input),
    recordReview: (input) => write('recordReview', input),
    recordReminder: (input) => write('recordReminder', input),
  }
}
