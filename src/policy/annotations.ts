const KNOWN = ['id', 'approval', 'description']

/** A sentence if a policy bears an annotation that means nothing here: a misspelt `@approval` must not pass unseen. */
export function unknownAnnotation(annotations: Readonly<Record<string, string>>): string | undefined {
  const unknown = Object.keys(annotations).find((name) => !KNOWN.includes(name))
  if (unknown === undefined) return undefined
  return `The annotation @${unknown} is not known; use @id, @approval or @description.`
}

/**
 * Reads `@approval("group:count")`: a member of that group must approve. The group `any` stands for every approver.
 *
 * @returns the group, or what is wrong, or neither where the policy asks for no approval.
 */
export function parseApprovalGroup(
  annotations: Readonly<Record<string, string>>,
  effect: 'permit' | 'forbid',
): { group: string } | { problem: string } | Record<never, never> {
  const { approval } = annotations
  if (approval === undefined) return {}
  if (effect === 'forbid') return { problem: 'A forbid cannot ask for an approval; put @approval on the permit.' }
  const [, group, count] = /^([a-z][a-z0-9_-]{0,62}):([1-9][0-9]{0,2})$/.exec(approval) ?? []
  if (group === undefined)
    return {
      problem: 'An approval is written @approval("group:1"), the group in lower case, e.g. @approval("owners:1").',
    }
  if (count !== '1') return { problem: 'Approvals by several people are not supported yet; write a count of 1.' }
  return { group }
}
