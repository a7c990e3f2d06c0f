/**
 * An instant as RFC 3339 without a fraction, rounded down, e.g. `2026-11-21T12:04:30Z`: the one form of an expiration that every
 * AWS SDK and the scripts around them read. With milliseconds some fail and take the credentials for such without an end.
 */
export function wholeSeconds(instant: Date): string {
  return `${instant.toISOString().slice(0, 19)}Z`
}
