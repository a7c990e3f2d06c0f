/** An Allow statement: each of its actions on each of its resources. Both are sorted. */
export interface Allow {
  /** Actions of the plan, or wildcards that stand for some. */
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** JSON of the element `Condition`; undefined for none. */
  readonly condition: string | undefined
}

/** The resources that each action needs, for pairs with the same conditions. */
export type NeededResources = ReadonlyMap<string, readonly string[]>

/** The statement as minified JSON; single items stand alone. */
export function statementJson({ actions, resources, condition }: Allow): string {
  const json = JSON.stringify({ Effect: 'Allow', Action: oneOrMany(actions), Resource: oneOrMany(resources) })
  return condition === undefined ? json : `${json.slice(0, -1)},"Condition":${condition}}`
}

/** One statement per set of resources. */
export function groupByResources(needed: NeededResources, condition: string | undefined): readonly Allow[] {
  const groups = new Map<string, { actions: string[]; resources: readonly string[]; condition: string | undefined }>()
  for (const [action, resources] of needed) {
    const key = resources.join('\n')
    const group = groups.get(key) ?? { actions: [], resources, condition }
    group.actions.push(action)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** One statement per set of actions: shorter where actions share a part of their resources. */
export function groupByActions(needed: NeededResources, condition: string | undefined): readonly Allow[] {
  const actionsByResource = new Map<string, string[]>()
  for (const [action, resources] of needed) {
    for (const resource of resources) {
      const actions = actionsByResource.get(resource) ?? []
      actions.push(action)
      actionsByResource.set(resource, actions)
    }
  }
  const groups = new Map<string, { actions: readonly string[]; resources: string[]; condition: string | undefined }>()
  for (const [resource, actions] of [...actionsByResource].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const key = actions.join('\n')
    const group = groups.get(key) ?? { actions, resources: [], condition }
    group.resources.push(resource)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** Groups each service the shorter way, then merges statements with the same resources. */
export function groupByService(needed: NeededResources, condition: string | undefined): readonly Allow[] {
  const services = new Map<string, Map<string, readonly string[]>>()
  for (const [action, resources] of needed) {
    const service = actionService(action)
    const own = services.get(service) ?? new Map<string, readonly string[]>()
    services.set(service, own.set(action, resources))
  }
  const shortest = [...services.values()].flatMap((own) => {
    const ways = [groupByResources(own, condition), groupByActions(own, condition)]
    return ways.reduce((best, next) => (countCharacters(next) < countCharacters(best) ? next : best))
  })
  const joined = new Map<string, Allow>()
  for (const allow of shortest) {
    const key = allow.resources.join('\n')
    const before = joined.get(key)
    joined.set(key, before ? { ...before, actions: sortedSet([...before.actions, ...allow.actions]) } : allow)
  }
  return [...joined.values()]
}

/** The service of an action, e.g. `s3`. */
export function actionService(action: string): string {
  return action.slice(0, action.indexOf(':'))
}

/** The items without repeats, sorted. */
export function sortedSet(items: readonly string[]): readonly string[] {
  return [...new Set(items)].sort()
}

function countCharacters(statements: readonly Allow[]): number {
  return statements.reduce((sum, each) => sum + statementJson(each).length + 1, 0)
}

function oneOrMany(items: readonly string[]): string | readonly string[] {
  const [first, ...others] = items
  return first !== undefined && others.length === 0 ? first : items
}
