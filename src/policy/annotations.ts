import { EXCLUDABLE, type Excludable, type ReuseLimit } from './decision.ts'

const KNOWN = ['id', 'approval', 'exclude', 'reuse', 'reason', 'description']

type Annotations = Readonly<Record<string, string>>

/** The people that a policy wants to approve: so many of a group. `any` stands for every approver. */
export interface GroupCount {
  readonly group: string
  readonly count: number
}

/** The content of `@approval` and `@exclude`: the groups that must approve, or a waiver. Empty without the annotations. */
export interface ApprovalAnnotation {
  /** All of them must approve; sorted, each group once. */
  readonly groups?: readonly GroupCount[]
  /** People whose vote does not count. */
  readonly exclude?: readonly Excludable[]
  /** The content of `@reuse`. */
  readonly reuse?: ReuseLimit
  /** The reason of `@approval("none")`. */
  readonly waiver?: string
}

/** Describes the first unknown annotation of a policy, since a misspelt `@approval` must not go unnoticed; undefined if there is none. */
export function unknownAnnotation(annotations: Annotations): string | undefined {
  const unknown = Object.keys(annotations).find((name) => !KNOWN.includes(name))
  if (unknown === undefined) return undefined
  return `The annotation @${unknown} is not known; use @id, @approval, @exclude, @reuse, @reason or @description.`
}

/**
 * Reads `@approval("owners:2, security:1")`: so many members of every group must approve, and the group `any` stands for every
 * approver. Reads `@exclude("owner")`: the owner of the agent's registration does not count. Reads
 * `@approval("none") @reason("…")` as a waiver: nobody has to approve.
 *
 * @returns the content, or the problem as a sentence.
 */
export function parseApproval(
  annotations: Annotations,
  effect: 'permit' | 'forbid',
): ApprovalAnnotation | { readonly problem: string } {
  const { approval, exclude, reuse, reason } = annotations
  if (reuse !== undefined && (approval === undefined || approval === 'none'))
    return { problem: 'The annotation @reuse belongs to an @approval that asks for people, and this policy has none.' }
  if (exclude !== undefined && (approval === undefined || approval === 'none'))
    return {
      problem: 'The annotation @exclude belongs to an @approval that asks for people, and this policy has none.',
    }
  if (approval === 'none') return parseWaiver(reason, effect)
  if (reason !== undefined)
    return { problem: 'The annotation @reason belongs to @approval("none"), and this policy has none.' }
  if (approval === undefined) return {}
  if (effect === 'forbid') return { problem: 'A forbid cannot ask for an approval; put @approval on the permit.' }
  // An annotation without a value is null.
  const groups = (approval ?? '').split(',').map((part) => parseGroup(part.trim()))
  const written = groups.filter((group) => group !== undefined)
  if (written.length < groups.length || written.length > MOST_GROUPS)
    return {
      problem: `An approval is written @approval("group:1"), the group in lower case, with the number of its members who must approve (1 to ${MOST_PEOPLE}), e.g. @approval("owners:2"), and commas between groups that must all approve (at most ${MOST_GROUPS}), or @approval("none") to waive it.`,
    }
  const names = new Set(written.map(({ group }) => group))
  if (names.size < written.length) return { problem: 'An approval names each group once.' }
  const excluded = EXCLUDABLE.filter((name) => name === exclude)
  if (exclude !== undefined && excluded.length === 0)
    return {
      problem: `An exclusion is written @exclude("${EXCLUDABLE[0]}"): the owner of the registration may not approve.`,
    }
  written.sort((a, b) => (a.group < b.group ? -1 : 1))
  const limit = parseReuse(reuse)
  if (limit && 'problem' in limit) return limit
  return { groups: written, ...(excluded.length > 0 && { exclude: excluded }), ...(limit && { reuse: limit }) }
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const LONGEST_REUSE_MS = 7 * UNIT_MS.d

/** Reads `@reuse("3 in 8h")`: three grants in all may rest on one approval, within eight hours after it was given. */
function parseReuse(text: string | undefined): ReuseLimit | { readonly problem: string } | undefined {
  if (text === undefined) return undefined
  const [, uses, number, unit = 'm'] = /^([1-9][0-9]?) in ([1-9][0-9]{0,3})(m|h|d)$/.exec(text ?? '') ?? []
  const withinMs = Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS]
  if (Number(uses) >= 2 && withinMs <= LONGEST_REUSE_MS) return { uses: Number(uses), withinMs }
  return {
    problem:
      'A reuse is written @reuse("3 in 8h"): how many grants may rest on one approval (2 to 99), and for how long after it was given (1m to 7d).',
  }
}

const MOST_GROUPS = 8
/** More people than would ever be asked; a larger number is a slip. */
const MOST_PEOPLE = 20

function parseGroup(text: string): GroupCount | undefined {
  const [, group, digits] = /^([a-z][a-z0-9_-]{0,62}) *: *([1-9][0-9]?)$/.exec(text) ?? []
  const count = Number(digits)
  return group === undefined || count > MOST_PEOPLE ? undefined : { group, count }
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
