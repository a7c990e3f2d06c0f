import { later } from '../../core/instant.ts'
import type { WriteInput } from '../ledger.ts'
import type { Grant, UnregisteredAttempt } from '../records.ts'
import { isFinalState } from './grant-rules.ts'

/** The record of an identity after one more attempt. */
export function notedAttempt(
  known: UnregisteredAttempt | undefined,
  { subject, trustDomain, authMethod, reason, at }: WriteInput<'noteUnregistered'>,
): UnregisteredAttempt {
  return {
    subject,
    trustDomain,
    authMethod,
    reason,
    firstSeenAt: known?.firstSeenAt ?? at,
    lastSeenAt: known ? later(known.lastSeenAt, at) : at,
    count: (known?.count ?? 0) + 1,
  }
}

/** Facts that decide whether a grant may be forgotten. */
export interface PruneFacts extends Pick<Grant, 'state' | 'requestedAt' | 'endedAt'> {
  /** A deny document may still hold it. */
  readonly isOnDenyList: boolean
  /** The latest `notAfter` of its leases that are not ended. */
  readonly openUntil?: Date
}

/** A grant goes by retention only, and never while a lease of it could live or a document could name it. */
export function mayPrune(facts: PruneFacts, { before, now }: Pick<WriteInput<'prune'>, 'before' | 'now'>): boolean {
  if (!isFinalState(facts.state) || facts.isOnDenyList) return false
  if (facts.openUntil && facts.openUntil > now) return false
  return (facts.endedAt ?? facts.requestedAt) < before
}
