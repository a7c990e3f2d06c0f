import type {
  ChangeRegistration,
  RegistrationReview,
  RegistrationState,
  RegistrationWrites,
  StoredRegistration,
} from '../../registrations/registration-ledger.ts'
import {
  fromRegistration,
  fromReview,
  REGISTRATION_COLUMNS,
  REVIEW_COLUMNS,
  type RegistrationRow,
  type ReviewRow,
  readRegistration,
  SELECT_REGISTRATIONS,
  SELECT_REGISTRATIONS_MARK,
  SELECT_REVIEWS,
  toReview,
} from '../../registrations/registration-row.ts'
import { toMs } from '../../row-values.ts'
import { changedRegistration, changedVersion, recordedReview } from '../../rules/registration-rules.ts'
import type { SqliteTransaction } from '../database/sqlite-transaction.ts'
import type { SqliteStore } from '../sqlite-store.ts'

/** See `RegistrationWrites.changeRegistration`. */
export function changeRegistration(
  store: SqliteStore,
  tx: SqliteTransaction,
  input: ChangeRegistration,
): StoredRegistration {
  const { db } = tx
  const row = db.get<RegistrationRow>(`${SELECT_REGISTRATIONS} WHERE name = ?`, input.name)
  const holder = db.get<{ name: string }>(
    'SELECT name FROM registrations WHERE match = ? AND removed = 0 AND name <> ?',
    input.to?.match ?? '',
    input.name,
  )
  const { count } = db.get<{ count: number }>('SELECT count(*) AS count FROM registrations WHERE removed = 0') ?? {
    count: 0,
  }
  const version = changedVersion(
    {
      count,
      ...(row && { current: { version: row.version, isRemoved: row.removed === 1 } }),
      ...(holder && { holderOfMatch: holder.name }),
    },
    input,
  )
  const changed = changedRegistration(version, input, row && readRegistration(store.damaged, row))
  db.run(
    `INSERT INTO registrations (${REGISTRATION_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET match = excluded.match, version = excluded.version, removed = excluded.removed,
       changed_at = excluded.changed_at, changed_by = excluded.changed_by, body = excluded.body`,
    ...rowValues(fromRegistration(changed, input.to === undefined), REGISTRATION_COLUMNS),
  )
  tx.append(input.events)
  return changed
}

/** See `RegistrationWrites.recordReview`. */
export function recordReview(
  tx: SqliteTransaction,
  input: Parameters<RegistrationWrites['recordReview']>[0],
): RegistrationReview {
  const row = tx.db.get<ReviewRow>(`${SELECT_REVIEWS} WHERE name = ?`, input.review.name)
  const recorded = recordedReview(row && toReview(row), input)
  tx.db.run(
    `INSERT INTO registration_reviews (${REVIEW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET match = excluded.match, number = excluded.number, at = excluded.at,
       reviewed_by = excluded.reviewed_by, next_at = excluded.next_at, shown = excluded.shown`,
    ...rowValues(fromReview(recorded), REVIEW_COLUMNS),
  )
  tx.append(input.events)
  return recorded
}

/** See `RegistrationWrites.recordReminder`. */
export function recordReminder(
  tx: SqliteTransaction,
  { key, at, until, events }: Parameters<RegistrationWrites['recordReminder']>[0],
): boolean {
  const inserted = tx.db.run(
    'INSERT INTO registration_reminders (key, at, until) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING',
    key,
    toMs(at),
    toMs(until),
  )
  if (inserted === 0) return false
  tx.db.run('DELETE FROM registration_reminders WHERE until < ?', toMs(at))
  tx.append(events)
  return true
}

/** See `RegistrationReads.registrationsMark`. */
export function readRegistrationsMark({ db }: SqliteStore): string {
  return db.get<{ mark: string }>(SELECT_REGISTRATIONS_MARK)?.mark ?? ''
}

/** See `RegistrationReads.registrations`. */
export function readRegistrations({ db, damaged }: SqliteStore): RegistrationState {
  return {
    registrations: db
      .all<RegistrationRow>(`${SELECT_REGISTRATIONS} WHERE removed = 0 ORDER BY name`)
      .map((row) => readRegistration(damaged, row)),
    reviews: db.all<ReviewRow>(`${SELECT_REVIEWS} ORDER BY name`).map(toReview),
  }
}

function rowValues(row: object, columns: string): (string | number)[] {
  return columns.split(', ').map((column) => row[column as never])
}
