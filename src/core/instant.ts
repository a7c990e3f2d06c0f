/** RFC 3339, section 5.6: letters in either case, a blank in place of the T, any number of digits in the fraction, any offset. */
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/**
 * Reads an instant as RFC 3339 has it, e.g. `2026-11-21T12:00:00Z` or `2026-11-21T13:00:00.5+01:00`.
 *
 * @returns what is finer than a millisecond is cut off; undefined for anything else: a day that its month does not have, a time
 *   without an offset, an offset over 23:59. A leap second is the second after it.
 */
export function parseInstant(text: string): Date | undefined {
  const match = RFC_3339.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', sign = '+', offsetHour = 0, offsetMinute = 0] = match
  const parts = [Number(hour), Number(minute), Number(offsetHour), Number(offsetMinute)] as const
  const isWithin = parts[0] <= 23 && parts[1] <= 59 && Number(second) <= 60 && parts[2] <= 23 && parts[3] <= 59
  const midnight = startOfDay(`${year}-${month}-${day}`)
  if (!midnight || !isWithin) return undefined
  const seconds = parts[0] * 3_600 + parts[1] * 60 + Number(second)
  const offsetSeconds = Number(`${sign}1`) * (parts[2] * 3_600 + parts[3] * 60)
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, '0'))
  return new Date(midnight.getTime() + (seconds - offsetSeconds) * 1_000 + milliseconds)
}

/** The start, UTC, of a day such as `2026-11-21`; undefined for anything else, 30 February too. */
export function startOfDay(text: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? at : undefined
}

/** The later of two instants. */
export function later(a: Date, b: Date): Date {
  return a > b ? a : b
}

/** The earlier of two instants. */
export function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}
