import { InvalidArgumentError } from 'commander'
import { parseDurationMs } from '../core/duration.ts'

/** Commander's parser of a duration such as `10m`. @returns milliseconds */
export function durationFlag(text: string): number {
  const ms = parseDurationMs(text)
  if (ms === undefined || ms > 0x7fff_ffff)
    throw new InvalidArgumentError('A duration is e.g. 90s or 15m, at most 24d.')
  return ms
}

/** Commander's parser of a count, 1 to 100,000. */
export function countFlag(text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (count < 1 || count > 100_000) throw new InvalidArgumentError('A count is a number from 1 to 100000.')
  return count
}
