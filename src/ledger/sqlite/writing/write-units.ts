import type { WriteInput } from '../../ledger.ts'
import type { ChainWriter } from '../chain-writer.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'
import type { SqliteStore } from '../sqlite-store.ts'
import { claimDenyList, denyFailed, denyProven, denyWritten, dueDenyLists } from '../units/deny.ts'
import { appendReports, intendLease, moveGrant, type OpenGrantUnit, openGrant, settleLease } from '../units/grants.ts'
import { liftHold, noteHold, putHold } from '../units/holds.ts'
import { noteUnregistered, prune } from '../units/housekeeping.ts'
import { noticeWriteUnits } from '../units/notices.ts'
import { beginQuarantine, openQuarantine } from '../units/quarantines.ts'
import { changeRegistration, recordReminder, recordReview } from '../units/registrations.ts'
import { type DecidedSweep, sweepGrants } from '../units/sweep.ts'
import type { TokenRows } from '../units/tokens.ts'

/** The connection that writes, with what units share on it. */
export interface WriteParts {
  readonly store: SqliteStore
  readonly tx: SqliteTransaction
  readonly chain: ChainWriter
  readonly tokens: TokenRows
  readonly maxUnregistered: number
}

/** Every write of the contract as one synchronous unit, by its name. What goes in and what comes out is data alone. */
export function writeUnits({ store, tx, chain, tokens, maxUnregistered }: WriteParts) {
  return {
    openGrant: (input: OpenGrantUnit) => openGrant(store, tx, tokens, input),
    intendLease: (input: WriteInput<'intendLease'>) => intendLease(store, tx, tokens, input),
    settleLease: (input: WriteInput<'settleLease'>) => settleLease(store, tx, input),
    moveGrant: (input: WriteInput<'moveGrant'>) => moveGrant(store, tx, input),
    appendEvents: (events: WriteInput<'appendEvents'>) => tx.append(events),
    nameHeads: ({ at }: WriteInput<'nameHeads'>) => chain.nameHeads(at),
    appendReports: (input: WriteInput<'appendReports'>) => appendReports(store, tx, input),
    noteUnregistered: (attempt: WriteInput<'noteUnregistered'>) =>
      noteUnregistered(store, tx, attempt, maxUnregistered),
    connectionClosed: (input: WriteInput<'connectionClosed'>) => tokens.closed(input),
    sweepGrants: (decided: DecidedSweep) => sweepGrants(store, tx, decided),
    claimDenyList: (input: WriteInput<'claimDenyList'>) => claimDenyList(store, tx, input),
    denyWritten: (input: WriteInput<'denyWritten'>) => denyWritten(store, tx, input),
    denyProven: (input: WriteInput<'denyProven'>) => denyProven(store, tx, input),
    denyFailed: (input: WriteInput<'denyFailed'>) => denyFailed(store, tx, input),
    dueDenyLists: (input: WriteInput<'dueDenyLists'>) => dueDenyLists(store, tx, input),
    beginQuarantine: (input: WriteInput<'beginQuarantine'>) => beginQuarantine(store, tx, input),
    openQuarantine: (input: WriteInput<'openQuarantine'>) => openQuarantine(store, tx, input),
    putHold: (input: WriteInput<'putHold'>) => putHold(store, tx, input),
    liftHold: (input: WriteInput<'liftHold'>) => liftHold(store, tx, input),
    noteHold: (input: WriteInput<'noteHold'>) => noteHold(store, tx, input),
    prune: (input: WriteInput<'prune'>) => prune(store, tx, tokens, input),
    ...noticeWriteUnits(tx),
    changeRegistration: (input: WriteInput<'changeRegistration'>) => changeRegistration(store, tx, input),
    recordReview: (input: WriteInput<'recordReview'>) => recordReview(tx, input),
    recordReminder: (input: WriteInput<'recordReminder'>) => recordReminder(tx, input),
    closeChain: ({ at }: { readonly at: Date }) => chain.close(at),
  }
}

/** See `writeUnits`. */
export type WriteUnits = ReturnType<typeof writeUnits>

/** The name of a unit. */
export type UnitName = keyof WriteUnits

/** The input of a unit. */
export type UnitInput<Name extends UnitName> = Parameters<WriteUnits[Name]>[0]

/** The result of a unit. */
export type UnitResult<Name extends UnitName> = ReturnType<WriteUnits[Name]>

/** Runs units, and resolves when they are durable. */
export interface SqliteWriter {
  /** @throws {StintError} LEDGER_UNAVAILABLE when too many wait, the writer is closed or has failed; else the error of the unit. */
  write<Name extends UnitName>(name: Name, input: UnitInput<Name>, kind?: 'settling'): Promise<UnitResult<Name>>
  /**
   * As `write`, for a unit that settles, and whose input depends on what is stored. `prepare` is called when all writes before
   * this one are committed or refused, and none after it has begun.
   *
   * @param prepare reads only; undefined from it: there is nothing to write.
   */
  writeAlone<Name extends UnitName>(
    name: Name,
    prepare: () => UnitInput<Name> | undefined,
  ): Promise<UnitResult<Name> | undefined>
  /** False when it has failed, or a commit takes so long that nothing should rest on it. */
  isLive(): boolean
  /** Refuses further writes, and waits for those in hand. Idempotent. */
  close(): Promise<void>
}
