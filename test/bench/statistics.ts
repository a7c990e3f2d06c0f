/** The middle of some numbers; NaN of none. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/**
 * The value below which the share `p` of the numbers lies (nearest rank).
 *
 * @param p 0 to 1.
 */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN
}
