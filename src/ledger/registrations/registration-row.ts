import { hasCode } from '../../core/errors.ts'
import type { DamagedRows } from '../damaged-rows.ts'
import { integer, toInstant, toMs } from '../row-values.ts'
import type { RegistrationFields, RegistrationReview, StoredRegistration } from './registration-ledger.ts'

/** A row of `SELECT_REGISTRATIONS`. */
export interface RegistrationRow {
  readonly name: string
  readonly match: string
  readonly version: number
  /** 1: removed. The row stays, so that the version goes on. */
  readonly removed: number
  readonly changed_at: number
  readonly changed_by: string
  readonly body: string
}

/** A row of `SELECT_REVIEWS`. */
export interface ReviewRow {
  readonly name: string
  readonly match: string
  readonly number: number
  readonly at: number
  readonly reviewed_by: string
  readonly next_at: number
  readonly shown: string
}

/** The columns of a registration, the same in every store. */
export const REGISTRATION_COLUMNS = 'name, match, version, removed, changed_at, changed_by, body'
/** The columns of a review, the same in every store. */
export const REVIEW_COLUMNS = 'name, match, number, at, reviewed_by, next_at, shown'

/** Registrations, the removed ones included. */
export const SELECT_REGISTRATIONS = `SELECT ${REGISTRATION_COLUMNS} FROM registrations`

/** Reviews. */
export const SELECT_REVIEWS = `SELECT ${REVIEW_COLUMNS} FROM registration_reviews`

/** Changes with every registration and review: versions and numbers only grow, and no row is deleted. */
export const SELECT_REGISTRATIONS_MARK = `SELECT
  (SELECT count(*) || '.' || coalesce(sum(version), 0) FROM registrations) || '.' ||
  (SELECT count(*) || '.' || coalesce(sum(number), 0) FROM registration_reviews) AS mark`

/** @throws {Error} for a damaged row */
export function toRegistration(row: RegistrationRow): StoredRegistration {
  return {
    name: row.name,
    fields: { match: row.match, ...parseBody(row.body) },
    version: integer(row.version),
    changedAt: toInstant(row.changed_at),
    changedBy: row.changed_by,
  }
}

/**
 * A registration, or where its row is damaged one that serves nobody: left out, it would hand its agents to a registration with a
 * wider match.
 */
export function readRegistration(damaged: DamagedRows, row: RegistrationRow): StoredRegistration {
  try {
    return damaged.read('registration', row.name, () => toRegistration(row))
  } catch (error) {
    if (!hasCode(error, 'LEDGER_CORRUPT')) throw error
    const fields = { match: row.match, owner: '', team: '', purpose: '', expiresAt: new Date(0) }
    return { name: row.name, fields, version: row.version, changedAt: new Date(0), changedBy: '', isDamaged: true }
  }
}

/** @throws {Error} for a damaged row */
export function toReview(row: ReviewRow): RegistrationReview {
  const { name, match, shown } = row
  return {
    ...{ name, match, shown, by: row.reviewed_by },
    number: integer(row.number),
    at: toInstant(row.at),
    nextAt: toInstant(row.next_at),
  }
}

/** The row of a registration. */
export function fromRegistration(registration: StoredRegistration, isRemoved: boolean): RegistrationRow {
  const { name, fields, version, changedAt, changedBy } = registration
  return {
    ...{ name, match: fields.match, version, removed: isRemoved ? 1 : 0 },
    ...{ changed_at: toMs(changedAt), changed_by: changedBy, body: bodyText(fields) },
  }
}

/** The row of a review. */
export function fromReview({ name, match, number, at, by, nextAt, shown }: RegistrationReview): ReviewRow {
  return { name, match, number, at: toMs(at), reviewed_by: by, next_at: toMs(nextAt), shown }
}

function bodyText({ match: _, expiresAt, reviewAt, ...words }: RegistrationFields): string {
  return JSON.stringify({ ...words, expiresAt: toMs(expiresAt), ...(reviewAt && { reviewAt: toMs(reviewAt) }) })
}

function parseBody(text: string): Omit<RegistrationFields, 'match'> {
  const { owner, team, purpose, contact, expiresAt, reviewAt } = JSON.parse(text)
  for (const word of [owner, team, purpose]) if (typeof word !== 'string') throw new Error('a word is missing')
  return {
    ...{ owner, team, purpose },
    ...(typeof contact === 'string' && { contact }),
    expiresAt: toInstant(expiresAt),
    ...(typeof reviewAt === 'number' && { reviewAt: toInstant(reviewAt) }),
  }
}
