import type { ActionClass, ActionFlag } from '../../../aws/action-classes.ts'
import { visible } from '../../../core/text/visible.ts'
import type { Plan, PlanPair } from '../../../plan/plan.ts'
import { describePair } from '../../../plan/plan-difference.ts'
import { CLASS_WORDS, FLAG_WORDS, RISKIEST_FIRST } from './words.ts'

/** The access of one class. */
export interface ClassAccess {
  readonly class: ActionClass
  /** The class in words. */
  readonly means: string
  /** Number of pairs of an action and a resource pattern. */
  readonly pairs: number
  /** Every pair; many plain reads of one wildcard of the task share a line. */
  readonly lines: readonly string[]
}

/** A flag of the plan, with its meaning and the actions that have it. */
export interface FlagView {
  readonly flag: ActionFlag
  readonly means: string
  readonly actions: readonly string[]
}

/** Classes whose actions may share a line. An action that changes something, or has a flag, has its own. */
const GATHERED: readonly ActionClass[] = ['read', 'list']
const MAX_SINGLE = 5

/** The access of a plan by class, riskiest first. Nothing is left out, so that a long list cannot hide a later part. */
export function accessByClass({ pairs, task }: Plan): ClassAccess[] {
  const wildcards = task.access.flatMap(({ actions }) => actions.filter((action) => /[*?]/.test(action)))
  return RISKIEST_FIRST.flatMap((name) => {
    const own = pairs.filter((pair) => pair.class === name)
    if (own.length === 0) return []
    return [{ class: name, means: CLASS_WORDS[name], pairs: own.length, lines: toLines(own, wildcards) }]
  })
}

/** The flags of a plan, with the actions that have them. */
export function listFlags({ pairs, flags }: Plan): FlagView[] {
  return flags.map((flag) => {
    const actions = pairs.filter((pair) => pair.flags.includes(flag)).map(({ action }) => action)
    return { flag, means: FLAG_WORDS[flag], actions: [...new Set(actions)] }
  })
}

/** A pair with its flags and labels, e.g. `ACTION on RESOURCE [within env:prod]`. */
export function pairLine(pair: PlanPair): string {
  return visible(`${describePair(pair)}${notes(pair)}`)
}

function toLines(pairs: readonly PlanPair[], wildcards: readonly string[]): string[] {
  const groups = Map.groupBy(pairs, (pair) => {
    const wildcard = gatheringWildcard(pair, wildcards)
    return wildcard === undefined ? pairLine(pair) : `${wildcard} ${pairLine({ ...pair, action: '' })}`
  })
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    const wildcard = first && gatheringWildcard(first, wildcards)
    if (!first || wildcard === undefined || group.length <= MAX_SINGLE) return group.map(pairLine)
    return [pairLine({ ...first, action: `${group.length} actions of ${wildcard}` })]
  })
}

function gatheringWildcard({ action, class: name, flags }: PlanPair, wildcards: readonly string[]): string | undefined {
  if (!GATHERED.includes(name) || flags.length > 0) return undefined
  return wildcards.find((wildcard) => matches(wildcard, action))
}

function matches(wildcard: string, action: string): boolean {
  const source = wildcard
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 'i').test(action)
}

function notes({ flags, within, touches }: PlanPair): string {
  const partly = touches.filter((label) => !within.includes(label))
  const parts = [
    ...(flags.length > 0 ? [flags.join(', ')] : []),
    ...(within.length > 0 ? [`within ${within.join(' ')}`] : []),
    ...(partly.length > 0 ? [`touches ${partly.join(' ')}`] : []),
  ]
  return parts.length > 0 ? ` [${parts.join('; ')}]` : ''
}
