import type { Timestamp } from './gen/google/protobuf/Timestamp.ts'

/** The forms of a decoded `google.protobuf.Timestamp`: `seconds` as text (loader option `longs: String`) or number. */
type WireTimestamp = { readonly seconds?: unknown; readonly nanos?: number | undefined } | null | undefined

const MAX_SECONDS = 8_640_000_000_000

/** Milliseconds are kept, nothing finer. */
export function toTimestamp(date: Date): Timestamp {
  const ms = date.getTime()
  const seconds = Math.floor(ms / 1_000)
  return { seconds: String(seconds), nanos: (ms - seconds * 1_000) * 1_000_000 }
}

/** For optional fields: undefined stays out of the message. */
export function toOptionalTimestamp(date: Date | undefined): Timestamp | null {
  return date === undefined ? null : toTimestamp(date)
}

/** @returns undefined for a missing field, and for an instant that no Date can hold; parts of a millisecond are cut off. */
export function fromTimestamp(wire: WireTimestamp): Date | undefined {
  if (!wire) return undefined
  const seconds = Number(wire.seconds ?? 0)
  if (!Number.isSafeInteger(seconds) || Math.abs(seconds) > MAX_SECONDS) return undefined
  return new Date(seconds * 1_000 + Math.floor((wire.nanos ?? 0) / 1_000_000))
}
