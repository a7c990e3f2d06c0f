import type { ClockReading } from '../core/clock-guard.ts'

/** A ledger that several replicas have open at once offers this beside its records. */
export interface LedgerSharing {
  /**
   * Tells the other replicas that this one has changed a grant, or with `undefined` that they should look at everything. Returns at
   * once and never throws. What is told may be lost, so the others look from time to time too.
   */
  tell(grantId: string | undefined): void
  /** Hands over what other replicas tell, from now on. */
  listen(listener: SharingListener): void
  /** True while what other replicas tell comes at once; false: only looking finds it. */
  readonly isListening: boolean
  /**
   * Ids of those grants that are no longer at the version given, or are gone.
   *
   * @throws {StintError} LEDGER_UNAVAILABLE
   */
  findChanged(grants: readonly SeenGrant[]): Promise<string[]>
  /**
   * Marks that change whenever a watermark does: those over these agents, by agent, and that over everybody.
   *
   * @throws {StintError} LEDGER_UNAVAILABLE
   */
  watermarkMarks(agents: readonly string[]): Promise<WatermarkMarks>
  /**
   * Replicas that have the ledger open, the oldest first. One that has died is among them until the others have found that out.
   *
   * @throws {StintError} LEDGER_UNAVAILABLE
   */
  listReplicas(): Promise<Replica[]>
  /**
   * Puts on record by which rules this replica works from now on. Ask it once they have held still, and again while they are not the
   * newest: the replicas that have newer ones may go, or change back.
   *
   * @param digest over all rules.
   * @throws {StintError} LEDGER_UNAVAILABLE
   */
  adoptRules(digest: string): Promise<RulesAdoption>
  /**
   * The digest of the newest rules that any replica has begun to work by; undefined if none has said so.
   *
   * @throws {StintError} LEDGER_UNAVAILABLE
   */
  newestRules(): Promise<string | undefined>
  /** Hands over each reading of the clock that all replicas have in common, the latest one at once. */
  listenToClock(listener: (reading: ClockReading) => void): void
}

/** A process that has the ledger open. Its instants are by the clock of the database. */
export interface Replica {
  readonly id: string
  readonly openedAt: Date
  /** Its last commit. */
  readonly seenAt: Date
  /** The version of Stint; missing for one that did not say. */
  readonly version?: string
  /** False for one of a release that knows no holds, and would give out grants in their scope. */
  readonly knowsHolds: boolean
  /** Its clock minus that of the database, in milliseconds; missing while it has not been compared. */
  readonly clockOffsetMs?: number
}

/** See `LedgerSharing.adoptRules`. */
export interface RulesAdoption {
  /** False: another replica works by newer rules than this one. */
  readonly isNewest: boolean
  readonly newestDigest: string
}

/** A grant, and the version at which somebody saw it. */
export interface SeenGrant {
  readonly grantId: string
  readonly version: number
}

/** See `LedgerSharing.watermarkMarks`; an agent without a watermark has no mark. */
export interface WatermarkMarks {
  readonly byAgent: ReadonlyMap<string, string>
  readonly common: string
}

/** Called with what other replicas tell. Anybody who can connect to the database can tell it: it is a reason to look, no more. */
export interface SharingListener {
  /** These grants may have changed; undefined: any may have. */
  onTold(grantIds: readonly string[] | undefined): void
  /** Called when `isListening` has changed. */
  onListening(): void
}
