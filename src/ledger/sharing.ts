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
