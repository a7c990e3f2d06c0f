/** The pauses after the first, second, … failed attempt. @see Standard Webhooks, "Retry schedule" */
const PAUSES_MS = [
  5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000,
] as const
/** Around each pause, so that what failed together is not sent together. */
const JITTER = 0.2

/** Milliseconds from a failed attempt to the next one. @param random 0 to 1 */
export function retryPauseMs(attempts: number, random: () => number): number {
  const pause = PAUSES_MS[Math.min(attempts, PAUSES_MS.length) - 1] ?? PAUSES_MS[0]
  return Math.round(pause * (1 - JITTER + 2 * JITTER * random()))
}
