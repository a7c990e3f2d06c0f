import type { Change } from '../sdk/types.ts'

/** The change of a task in lines: what it was read from and its totals, then each resource, worst first. */
export function changeLines({ kind, sha256, artifactSha256, reference, counts, resources }: Change): string[] {
  const totals = Object.entries(counts).map(([action, count]) => `${action} ${count}`)
  const listed = resources.map(({ action, type, address }) => `${action} ${type} ${address}`)
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return [
    `${kind}${reference === undefined ? '' : ` ${reference}`}: ${totals.join(', ') || 'changes nothing'}`,
    ...listed,
    ...(total > listed.length ? [`and ${total - listed.length} more`] : []),
    `SHA-256 ${sha256}`,
    ...(artifactSha256 === undefined ? [] : [`SHA-256 of what is applied ${artifactSha256}`]),
  ]
}
