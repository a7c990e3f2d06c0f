import { InvalidArgumentError } from 'commander'

/** Commander's parser of a count, 1 to 100,000. */
export function countFlag(text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (count < 1 || count > 100_000) throw new InvalidArgumentError('The count must be a number from 1 to 100000.')
  return count
}
