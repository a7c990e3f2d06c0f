import { StintError } from '../../core/errors.ts'
import type {
  ChangeRegistration,
  RegistrationReview,
  RegistrationWrites,
  StoredRegistration,
} from '../registrations/registration-ledger.ts'

/** The facts that a change of a registration depends on. */
export interface RegistrationFacts {
  /** The row of this name; its version goes on after a removal. */
  readonly current?: { readonly version: number; readonly isRemoved: boolean }
  /** Name of another registration that has the match. */
  readonly holderOfMatch?: string
  /** Registrations that are not removed. */
  readonly count: number
}

/**
 * The version of a registration after a change.
 *
 * @throws {StintError} see `RegistrationWrites.changeRegistration`
 */
export function changedVersion(facts: RegistrationFacts, input: ChangeRegistration): number {
  const { current, holderOfMatch, count } = facts
  const { name, expectedVersion, to, maxRegistrations } = input
  const existing = current?.isRemoved ? undefined : current
  if (expectedVersion === 0 && existing) throw taken(name, `The name ${name} is taken by another registration.`)
  if (expectedVersion > 0 && !existing) throw notRegistered(name)
  if (existing && existing.version !== expectedVersion) throw changedSince(name, existing.version)
  if (to && holderOfMatch !== undefined) {
    throw taken(name, `${to.match} is registered as ${holderOfMatch}; change that registration instead.`)
  }
  if (!existing && count >= maxRegistrations) {
    const explanation = `The ledger has ${count} registrations, and may have ${maxRegistrations}; remove some, or register agents by a prefix.`
    throw new StintError('QUOTA_EXCEEDED', { explanation, count })
  }
  return (current?.version ?? 0) + 1
}

/** The registration as it is after a change to `to`. */
export function changedRegistration(
  version: number,
  { name, to, at, by }: ChangeRegistration,
  before: StoredRegistration | undefined,
): StoredRegistration {
  const fields = to ?? before?.fields
  if (!fields) throw notRegistered(name)
  return { name, fields, version, changedAt: at, changedBy: by }
}

/** The review with its number. @throws {StintError} REGISTRATION_CHANGED */
export function recordedReview(
  last: RegistrationReview | undefined,
  { review, expectedNumber }: Parameters<RegistrationWrites['recordReview']>[0],
): RegistrationReview {
  const number = last?.number ?? 0
  if (number !== expectedNumber) {
    const explanation = `${last?.by ?? 'Somebody'} has reviewed ${review.name} meanwhile; look at it again.`
    throw new StintError('REGISTRATION_CHANGED', { explanation, registration: review.name })
  }
  return { ...review, number: number + 1 }
}

/** No registration has this name. */
export function notRegistered(name: string): StintError {
  return new StintError('REGISTRATION_NOT_FOUND', {
    explanation: `No registration is named ${name}.`,
    registration: name,
  })
}

function taken(name: string, explanation: string): StintError {
  return new StintError('REGISTRATION_EXISTS', { explanation, registration: name })
}

function changedSince(name: string, version: number): StintError {
  const explanation = `The registration ${name} was changed meanwhile and is at version ${version}; look at it again, then repeat your change.`
  return new StintError('REGISTRATION_CHANGED', { explanation, registration: name, version })
}
