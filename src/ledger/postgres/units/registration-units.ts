import type {
  ChangeRegistration,
  RegistrationReview,
  RegistrationWrites,
  StoredRegistration,
} from '../../registrations/registration-ledger.ts'
import {
  fromRegistration,
  fromReview,
  type RegistrationRow,
  type ReviewRow,
  readRegistration,
  SELECT_REGISTRATIONS,
  SELECT_REVIEWS,
  toReview,
} from '../../registrations/registration-row.ts'
import { toMs } from '../../row-values.ts'
import { changedRegistration, changedVersion, recordedReview } from '../../rules/registration-rules.ts'
import { registrationWriter, reviewWriter } from '../rows/registration-rows.ts'
import type { WorkingSet } from '../working-set/working-set.ts'
import type { RunStatements, Unit } from './unit.ts'

/*
 * Operators change registrations seldom, so each unit has a batch of its own and writes while it is prepared. Two replicas that
 * make the same one meet at a unique index: one of them decides again.
 */

/** See `RegistrationWrites.changeRegistration`. */
export function changeRegistration(input: ChangeRegistration): Unit<StoredRegistration> {
  let changed: StoredRegistration | undefined
  return {
    async prepare({ reader }, run) {
      const { facts, row } = await readFacts(input, run)
      const version = changedVersion(facts, input)
      changed = changedRegistration(version, input, row && readRegistration(reader.damaged, row))
      const written = [fromRegistration(changed, input.to === undefined)]
      await run(row ? registrationWriter.update(written) : registrationWriter.insert(written))
    },
    decide: (set) => appended(set, input.events, changed),
  }
}

async function readFacts({ name, to }: ChangeRegistration, run: RunStatements) {
  const [rows = [], holders = [], counts = []] = await run([
    { name: 'registration', text: `${SELECT_REGISTRATIONS} WHERE name = $1 FOR UPDATE`, values: [name] },
    {
      name: 'registration-of-match',
      text: 'SELECT name FROM registrations WHERE match = $1 AND removed = 0 AND name <> $2',
      values: [to?.match ?? '', name],
    },
    { name: 'count-registrations', text: 'SELECT count(*) AS count FROM registrations WHERE removed = 0' },
  ])
  const row = rows[0] as unknown as RegistrationRow | undefined
  const holder = holders[0] as unknown as { name: string } | undefined
  const facts = {
    count: (counts[0] as unknown as { count: number } | undefined)?.count ?? 0,
    ...(row && { current: { version: row.version, isRemoved: row.removed === 1 } }),
    ...(holder && { holderOfMatch: holder.name }),
  }
  return { facts, row }
}

/** See `RegistrationWrites.recordReview`. */
export function recordReview(input: Parameters<RegistrationWrites['recordReview']>[0]): Unit<RegistrationReview> {
  let recorded: RegistrationReview | undefined
  return {
    async prepare(_, run) {
      const text = `${SELECT_REVIEWS} WHERE name = $1 FOR UPDATE`
      const [rows = []] = await run([{ name: 'review', text, values: [input.review.name] }])
      const row = rows[0] as unknown as ReviewRow | undefined
      recorded = recordedReview(row && toReview(row), input)
      await run(row ? reviewWriter.update([fromReview(recorded)]) : reviewWriter.insert([fromReview(recorded)]))
    },
    decide: (set) => appended(set, input.events, recorded),
  }
}

/** See `RegistrationWrites.recordReminder`. */
export function recordReminder({
  key,
  at,
  until,
  events,
}: Parameters<RegistrationWrites['recordReminder']>[0]): Unit<boolean> {
  let isFirst = false
  return {
    async prepare(_, run) {
      const insert = `INSERT INTO registration_reminders (key, at, until) VALUES ($1, $2::bigint, $3::bigint)
        ON CONFLICT (key) DO NOTHING RETURNING key`
      const forget = 'DELETE FROM registration_reminders WHERE until < $1::bigint'
      const [inserted = []] = await run([
        { name: 'insert-reminder', text: insert, values: [key, toMs(at), toMs(until)] },
        { name: 'forget-reminders', text: forget, values: [toMs(at)] },
      ])
      isFirst = inserted.length > 0
    },
    decide(set) {
      set.isTouched = true
      if (isFirst) set.append(events)
      return isFirst
    },
  }
}

function appended<T>(set: WorkingSet, events: ChangeRegistration['events'], value: T | undefined): T {
  if (value === undefined) throw new Error('the unit was not prepared')
  // Rows that were written while it was prepared stay only if the batch is committed.
  set.isTouched = true
  set.append(events)
  return value
}
