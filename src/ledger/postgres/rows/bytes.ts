/** Hex in the form in which the database reads bytes. */
export function toBytes(hex: string): string {
  return `\\x${hex}`
}
