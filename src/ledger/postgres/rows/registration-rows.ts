import type { CopiedReminder } from '../../copying/ledger-content.ts'
import type { RegistrationRow, ReviewRow } from '../../registrations/registration-row.ts'
import { tableWriter } from './table-spec.ts'

/** Writes registrations. */
export const registrationWriter = tableWriter<RegistrationRow>('registrations', 'name', [
  { name: 'name', type: 'text', of: ({ name }) => name, fixed: true },
  { name: 'match', type: 'text', of: ({ match }) => match },
  { name: 'version', type: 'bigint', of: ({ version }) => version },
  { name: 'removed', type: 'integer', of: ({ removed }) => removed },
  { name: 'changed_at', type: 'bigint', of: ({ changed_at }) => changed_at },
  { name: 'changed_by', type: 'text', of: ({ changed_by }) => changed_by },
  { name: 'body', type: 'text', of: ({ body }) => body },
])

/** Writes reviews. */
export const reviewWriter = tableWriter<ReviewRow>('registration_reviews', 'name', [
  { name: 'name', type: 'text', of: ({ name }) => name, fixed: true },
  { name: 'match', type: 'text', of: ({ match }) => match },
  { name: 'number', type: 'bigint', of: ({ number }) => number },
  { name: 'at', type: 'bigint', of: ({ at }) => at },
  { name: 'reviewed_by', type: 'text', of: ({ reviewed_by }) => reviewed_by },
  { name: 'next_at', type: 'bigint', of: ({ next_at }) => next_at },
  { name: 'shown', type: 'text', of: ({ shown }) => shown },
])

/** Writes the dates that operators were told of. */
export const reminderWriter = tableWriter<CopiedReminder>('registration_reminders', 'key', [
  { name: 'key', type: 'text', of: ({ key }) => key, fixed: true },
  { name: 'at', type: 'bigint', of: ({ at }) => at },
  { name: 'until', type: 'bigint', of: ({ until }) => until },
])
