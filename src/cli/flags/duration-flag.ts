import { InvalidArgumentError } from 'commander'
import { parseDurationMs } from '../../core/duration.ts'

/** Commander's parser of a duration such as `10m`. @returns milliseconds */
export function durationFlag(text: string): number {
  const ms = parseDurationMs(text)
  if (ms === undefined || ms > 0x7fff_ffff)
    throw new InvalidArgumentError('A duration must look like 90s or 15m, and be at most 24d.')
  return ms
}
