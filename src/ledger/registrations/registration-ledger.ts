import type { AuditEventInput } from '../events/audit-event.ts'

/** The operators' statements about the agents that a registration of the API covers. */
export interface RegistrationFields {
  /** As in a registry file: an exact agent, or a prefix. No two registrations of a ledger have the same. */
  readonly match: string
  readonly owner: string
  readonly team: string
  readonly purpose: string
  readonly contact?: string
  readonly expiresAt: Date
  readonly reviewAt?: Date
}

/** A registration that was made by the admin API. */
export interface StoredRegistration {
  readonly name: string
  readonly fields: RegistrationFields
  /** Up by one with every change, also over a removal. */
  readonly version: number
  readonly changedAt: Date
  /** `operator:<name>` */
  readonly changedBy: string
  /** The row cannot be read, so its agents are not served: `fields` has its match alone. */
  readonly isDamaged?: true
}

/** The last review of a registration, of a file or of the API. It counts while the registration has this match. */
export interface RegistrationReview {
  readonly name: string
  readonly match: string
  /** 1, 2, 3 … of this name. */
  readonly number: number
  readonly at: Date
  /** `operator:<name>` */
  readonly by: string
  /** The next review is due by then. */
  readonly nextAt: Date
  /** SHA-256 of what the reviewer was shown. */
  readonly shown: string
}

/** The registrations and reviews of a ledger, read together. */
export interface RegistrationState {
  /** Those that are not removed, by name. */
  readonly registrations: readonly StoredRegistration[]
  /** By name. */
  readonly reviews: readonly RegistrationReview[]
}

/** The writes about registrations. */
export interface RegistrationWrites {
  /**
   * Makes, changes or removes a registration.
   *
   * @param input.expectedVersion that of the registration that the caller looked at; 0: there must be none of this name.
   * @param input.to missing: it is removed.
   * @throws {StintError} REGISTRATION_CHANGED at another version; REGISTRATION_EXISTS for a name or a match that is taken;
   *   REGISTRATION_NOT_FOUND; QUOTA_EXCEEDED beyond `maxRegistrations`
   */
  changeRegistration(input: ChangeRegistration): Promise<StoredRegistration>
  /**
   * Records a review; it takes the place of the one before.
   *
   * @throws {StintError} REGISTRATION_CHANGED if the last review has another number than `expectedNumber`.
   */
  recordReview(input: {
    readonly review: Omit<RegistrationReview, 'number'>
    /** That of the last review; 0: none yet. */
    readonly expectedNumber: number
    readonly events: readonly AuditEventInput[]
  }): Promise<RegistrationReview>
  /** Records that operators were told of a coming date, once for each key. @returns false if they were told before, then without events. */
  recordReminder(input: {
    /** Names the registration, the date and how long before it: see `reminderKey`. */
    readonly key: string
    readonly at: Date
    /** From then on it may be forgotten. */
    readonly until: Date
    readonly events: readonly AuditEventInput[]
  }): Promise<boolean>
}

/** See `RegistrationWrites.changeRegistration`. */
export interface ChangeRegistration {
  readonly name: string
  readonly expectedVersion: number
  readonly to?: RegistrationFields
  readonly at: Date
  /** `operator:<name>` */
  readonly by: string
  /** Most registrations that the ledger may have with it. */
  readonly maxRegistrations: number
  readonly events: readonly AuditEventInput[]
}

/** The reads about registrations. */
export interface RegistrationReads {
  /** Changes whenever a registration or a review does; cheap. */
  registrationsMark(): Promise<string>
  registrations(): Promise<RegistrationState>
}
