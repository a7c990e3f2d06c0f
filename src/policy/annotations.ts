const KNOWN = ['id', 'approval', 'reason', 'description']

type Annotations = Readonly<Record<string, string>>

/** The content of `@approval`: the group that must approve, or a waiver. Empty without the annotation. */
export interface ApprovalAnnotation {
  /** A member of this group must approve; `any` stands for every approver. */
  readonly group?: string
  /** The reason of `@approval("none")`. */
  readonly waiver?: string
}

/** Describes the first unknown annotation of a policy, since a misspelt `@approval` must not go unnoticed; undefined if there is none. */
export function unknownAnnotation(annotations: Annotations): string | undefined {
  const unknown = Object.keys(annotations).find((name) => !KNOWN.includes(name))
  if (unknown === undefined) return undefined
  return `The annotation @${unknown} is not known; use @id, @approval, @reason or @description.`
}

/**
 * Reads `@approval("group:count")`: a member of that group must approve, and the group `any` stands for every approver. Reads
 * `@approval("none") @reason("…")` as a waiver: nobody has to approve.
 *
 * @returns the content, or the problem as a sentence.
 */
export function parseApproval(
  annotations: Annotations,
  effect: 'permit' | 'forbid',
): ApprovalAnnotation | { readonly problem: string } {
  const { approval, reason } = annotations
  if (approval === 'none') return parseWaiver(reason, effect)
  if (reason !== undefined)
    return { problem: 'The annotation @reason belongs to @approval("none"), and this policy has none.' }
  if (approval === undefined) return {}
  if (effect === 'forbid') return { problem: 'A forbid cannot ask for an approval; put @approval on the permit.' }
  const [, group, count] = /^([a-z][a-z0-9_-]{0,62}):([1-9][0-9]{0,2})$/.exec(approval) ?? []
  if (group === undefined)
    return {
      problem:
        'An approval is written @approval("group:1"), the group in lower case, e.g. @approval("owners:1"), or @approval("none") to waive it.',
    }
  if (count !== '1') return { problem: 'Approvals by several people are not supported yet; write a count of 1.' }
  return { group }
}

const SHORTEST_REASON = 8
const LONGEST_REASON = 500

function parseWaiver(reason = '', effect: 'permit' | 'forbid'): ApprovalAnnotation | { readonly problem: string } {
  if (effect === 'forbid') return { problem: 'A forbid cannot waive an approval; put @approval("none") on a permit.' }
  const text = reason.trim()
  if (text.length < SHORTEST_REASON || text.length > LONGEST_REASON)
    return {
      problem: `A waiver needs a reason: write @approval("none") @reason("…") with ${SHORTEST_REASON} to ${LONGEST_REASON} characters.`,
    }
  return { waiver: text }
}
