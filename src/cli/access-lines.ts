import type { PlanInfo } from '../sdk/types.ts'

type Pair = PlanInfo['pairs'][number]

/** Classes with the riskiest first, so that a person who reads only the beginning reads what matters most. */
export const RISKIEST_FIRST = ['escalation', 'permissions', 'destructive', 'write', 'tag', 'read', 'list']
/** Classes whose actions may share a line. An action that changes something, or has a flag, has its own. */
const GATHERED = ['read', 'list']
const MAX_SINGLE = 5

/** The access of a plan, one line for each pair. Many reads of one wildcard of the task share a line. */
export function accessLines({ pairs, task }: Pick<PlanInfo, 'pairs' | 'task'>): string[] {
  const patterns = task.access.flatMap(({ actions }) => actions.filter((action) => action.includes('*')))
  const sorted = pairs.toSorted((a, b) => RISKIEST_FIRST.indexOf(a.class) - RISKIEST_FIRST.indexOf(b.class))
  const groups = Map.groupBy(sorted, (pair) => `${gatheringPattern(pair, patterns) ?? pair.action} ${pairNotes(pair)}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    const pattern = first && gatheringPattern(first, patterns)
    if (!first || !pattern || group.length <= MAX_SINGLE)
      return group.map((pair) => `${pair.action} ${pairNotes(pair)}`)
    return [`${group.length} actions of ${pattern} ${pairNotes(first)}`]
  })
}

/** The wildcard of the task that covers a read. */
function gatheringPattern(
  { action, class: actionClass, flags }: Pair,
  patterns: readonly string[],
): string | undefined {
  if (!GATHERED.includes(actionClass) || flags.length > 0) return undefined
  return patterns.find((pattern) => matches(pattern, action))
}

function matches(pattern: string, action: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 'i').test(action)
}

/** e.g. `on arn:aws:s3:::loads/* only if s3:prefix StringLike day/* [read, within env:prod]` */
function pairNotes({ resource, class: actionClass, flags, within, touches, conditions = [] }: Pair): string {
  const notes = [actionClass, ...flags, ...labelNote('within', within), ...labelNote('touches', touches)]
  const narrowed = conditions.map(({ key, operator, values }) => `${key} ${operator} ${values.join(', ')}`)
  const only = narrowed.length > 0 ? ` only if ${narrowed.join(' and ')}` : ''
  return `on ${resource}${only} [${notes.join(', ')}]`
}

function labelNote(how: string, names: readonly string[]): string[] {
  return names.length > 0 ? [`${how} ${names.join(' ')}`] : []
}
