import type { Clock } from '../../core/clock.ts'
import type { PartFinding } from '../../core/health/part-health.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { RegistrationWrites } from '../../ledger/registrations/registration-ledger.ts'
import type { Registration } from '../../registry/registration.ts'
import type { Registry } from '../../registry/registry.ts'

/** Dependencies of telling operators of dates that are near. */
export interface RemindParts {
  readonly ledger: Pick<RegistrationWrites, 'recordReminder'>
  readonly clock: Pick<Clock, 'now'>
  readonly registry: { readonly status: { readonly value?: Registry } }
}

/** The near date of a registration. */
export interface NearDate {
  readonly registration: Registration
  readonly what: 'expiry' | 'review'
  readonly at: Date
  /** One of `DAYS_BEFORE`: the date is at most so many days away. */
  readonly days: number
}

/** Operators are told once at each. */
const DAYS_BEFORE = [1, 7, 30] as const
const DAY_MS = 86_400_000
/** On the status from then on. */
const DAYS_ON_STATUS = 7
/** Findings that the status names one by one; the others are one finding. */
const MAX_FOUND = 40

/** Dates that are at most 30 days away. */
export function findNearDates(registrations: readonly Registration[], now: Date): NearDate[] {
  return registrations.flatMap((registration) => {
    const dates = [
      { what: 'expiry' as const, at: registration.expiresAt },
      ...(registration.reviewAt ? [{ what: 'review' as const, at: registration.reviewAt }] : []),
    ]
    return dates.flatMap(({ what, at }) => {
      const leftMs = at.getTime() - now.getTime()
      const days = leftMs > 0 ? DAYS_BEFORE.find((each) => leftMs <= each * DAY_MS) : undefined
      return days === undefined ? [] : [{ registration, what, at, days }]
    })
  })
}

/** Makes a function that puts each near date on record once, whichever replica comes first, and remembers what it has told. */
export function createReminder({ ledger, clock, registry }: RemindParts): (signal: AbortSignal) => Promise<void> {
  let told = new Set<string>()
  return async (signal) => {
    const now = clock.now()
    const near = findNearDates(registry.status.value?.registrations ?? [], now)
    const keys = new Set<string>()
    for (const date of near) {
      if (signal.aborted) return
      const key = reminderKey(date)
      if (!told.has(key)) {
        await ledger.recordReminder({ key, at: now, until: date.at, events: [describe(date, now)] })
        told.add(key)
      }
      keys.add(key)
    }
    told = keys
  }
}

/** For the status: registrations that stop serving their agents within a week, and those that have, but for expired ones. */
export function findDueRegistrations(registry: Registry | undefined, now: Date): PartFinding[] {
  if (!registry) return []
  const near = findNearDates(registry.registrations, now)
    .filter(({ days }) => days <= DAYS_ON_STATUS)
    .map(({ registration: { name }, what, at }) => ({
      name: `${what}-${name}`,
      explanation: `The registration ${name} ${what === 'expiry' ? 'expires' : 'must be reviewed by'} ${what === 'expiry' ? 'at ' : ''}${at.toISOString()}; from then on its agents get nothing.`,
    }))
  const lapsed = registry.registrations.flatMap(({ name, owner, ...dates }) => {
    const standing = registry.standing({ name, owner, ...dates }, now)
    if (standing === 'unreviewed')
      return [{ name, explanation: `The review of ${name} is overdue: its agents get nothing.` }]
    if (standing !== 'ownerless') return []
    return [{ name, explanation: `The owner ${owner} of ${name} is not an operator: its agents get nothing.` }]
  })
  return [...near, ...lapsed].map(({ name, explanation }, at) => ({
    finding: at < MAX_FOUND ? `due-${name}` : 'due-others',
    code: 'REGISTRATION_DUE',
    explanation,
  }))
}

function reminderKey({ registration, what, at, days }: NearDate): string {
  return `${registration.name} ${what} ${at.toISOString()} ${days}`
}

function describe({ registration, what, at, days }: NearDate, now: Date) {
  const { name, match, owner, team, contact } = registration
  const data = {
    ...{ registration: name, match, owner, team, what, days },
    ...(contact !== undefined && { contact }),
    at: at.toISOString(),
  }
  return auditEvent('agent.due', { at: now, actor: 'stint', data })
}
