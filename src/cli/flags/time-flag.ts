import { InvalidArgumentError } from 'commander'
import { parseDurationMs } from '../../core/duration.ts'
import { parseInstant, startOfDay } from '../../core/instant.ts'

/** Commander's parser of a point in time: an instant, a day, or how long ago it was. @returns RFC 3339 in UTC */
export function timeFlag(text: string): string {
  const agoMs = parseDurationMs(text)
  const at = agoMs === undefined ? (parseInstant(text) ?? startOfDay(text)) : new Date(Date.now() - agoMs)
  if (at && !Number.isNaN(at.getTime())) return at.toISOString()
  throw new InvalidArgumentError(
    'A time is e.g. 2h (two hours ago), 2026-11-21 (midnight UTC) or 2026-11-21T12:00:00+01:00.',
  )
}
