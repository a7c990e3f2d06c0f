import type { TableAction } from '../../aws/action-table.ts'
import { parseResourcePattern, type ResourcePattern } from '../../aws/arn.ts'
import { expandActions, findAction } from '../../aws/classify.ts'
import { type Condition, conditionText } from '../../aws/conditions/condition.ts'
import { findUnknownKey } from '../../aws/conditions/known-keys.ts'
import { judgeStar } from '../../aws/reach/star.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import { MAX_INPUT_PROBLEMS } from '../../core/input-error.ts'
import type { DroppedActions, DropReason } from '../plan.ts'
import type { AccessEntry, AccessList } from '../task.ts'
import { createFitCheck, type Fit, type FitRules } from './check-fit.ts'
import { strictError, summariseDropped, type WildcardMembers } from './dropped-actions.ts'
import { refusal, tooMany, type UnknownKey, unknownKey, unpairedAction, unpairedResource } from './pairing-refusals.ts'

/** An action with one resource pattern that it can take, under the conditions of its entry. */
export interface Pairing {
  /** Canonical spelling. */
  readonly action: string
  readonly resource: ResourcePattern
  /** Absent rather than empty. */
  readonly conditions?: readonly Condition[]
}

/** The rules that access is paired by. */
export interface PairingRules extends FitRules {
  /** Pairs of a whole task. */
  readonly maxPairs: number
  /** True if no member of an action wildcard may drop out. */
  readonly strict: boolean
  /** The actions that the store behind the role knows, with its name; undefined where it knows all. */
  readonly known?: { readonly store: string; readonly actions: ReadonlySet<string> }
  /** The condition keys that the store fills in, in lower case, with its name; undefined where it knows all. */
  readonly knownKeys?: { readonly store: string; readonly keys: ReadonlySet<string> }
}

/** Combinations of action and resource that may be tried for each pair of `maxPairs`. */
const COMBINATIONS_PER_PAIR = 20

/** An action or resource of an entry that is refused. */
export interface AccessProblem {
  readonly entry: AccessEntry
  readonly list: AccessList
  readonly text: string
  readonly error: StintError
}

/** The pairs and the problems of a task's access. */
export interface Pairings {
  /** Without repeats, sorted by action and then resource. */
  readonly pairs: readonly Pairing[]
  /** Up to MAX_INPUT_PROBLEMS. With any, `pairs` is incomplete. */
  readonly problems: readonly AccessProblem[]
  /** Members of action wildcards that found no partner; each row once. */
  readonly dropped: readonly DroppedActions[]
  /** Set where there are more pairs than allowed, or too many to look at. */
  readonly tooMany?: StintError
}

/**
 * Pairs the actions of each entry with its resources, as far as a request can have both.
 *
 * - Patterns are read as IAM reads them: `*` crosses `/`. So `s3:GetObject` pairs with `arn:aws:s3:::data*`, which means the
 *   objects of `data-2` too, and has the labels of all of them.
 * - An action that takes no resource pairs with `*` alone. One that returns a secret, or does more than list or read, must be
 *   named, since whoever writes `ec2:Describe*` does not mean the passwords that it covers; else it pairs by `allowWildcard`.
 * - Any other action pairs with `*`, or with a pattern of every resource of one of its types in the role's own account, by
 *   `allowWildcard`; or by `allowWildcardReads` if it lists or reads, needs no resource and returns no secret.
 * - Members of an action wildcard that fit no resource drop out and are listed. If the rules are strict, they are problems.
 * - An action or resource as written that pairs with nothing is a problem, unless a misspelt part of its entry may be why.
 *
 * @param rules undefined for an unknown role: then only spelling is checked.
 * @returns problems of the codes ACTION_UNKNOWN, RESOURCE_INVALID, ACTION_RESOURCE_MISMATCH, CONDITION_MISMATCH, RESOURCE_TOO_WIDE,
 *   TASK_INVALID.
 */
export function pairAccess(access: readonly AccessEntry[], rules: PairingRules | undefined): Pairings {
  const pairs = new Map<string, Pairing>()
  const problems: AccessProblem[] = []
  const dropped = new Map<string, DroppedActions>()
  const budget = { combinations: (rules?.maxPairs ?? 0) * COMBINATIONS_PER_PAIR }
  const done = (tooMany?: StintError): Pairings => ({
    pairs: [...pairs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair),
    problems: problems.slice(0, MAX_INPUT_PROBLEMS),
    dropped: [...dropped.values()],
    ...(tooMany && { tooMany }),
  })
  for (const entry of access) {
    const spelt = readEntry(entry, rules)
    problems.push(...spelt.problems)
    if (rules) {
      const found = pairEntry(spelt, rules, budget)
      if (found === 'too_many') return done(tooMany(rules.maxPairs))
      problems.push(...listUnpaired(entry, spelt, found))
      const rows = found.wildcards.flatMap(summariseDropped)
      for (const row of rows) dropped.set(JSON.stringify(row), row)
      if (rules.strict) problems.push(...rows.map((row) => strictProblem(entry, row)))
      for (const pair of found.pairs) pairs.set(pairKey(pair), pair)
      if (pairs.size > rules.maxPairs) return done(tooMany(rules.maxPairs))
    }
    if (problems.length >= MAX_INPUT_PROBLEMS) break
  }
  return done()
}

/** A key that sorts by action, then resource. A pair under other conditions has another key. */
function pairKey({ action, resource, conditions = [] }: Pairing): string {
  return [action, resource.text, ...conditions.map(conditionText)].join(' ')
}

/** The well-formed actions and resources of an entry, and the problems of the others. */
interface SpeltEntry {
  readonly actions: readonly KnownActions[]
  readonly resources: readonly ResourcePattern[]
  readonly conditions: readonly Condition[]
  readonly problems: readonly AccessProblem[]
}

function readEntry(entry: AccessEntry, rules: PairingRules | undefined): SpeltEntry {
  const problems: AccessProblem[] = []
  const attempt = <T>(list: AccessList, text: string, read: (text: string) => T): T[] => {
    try {
      return [read(text)]
    } catch (thrown) {
      problems.push({ entry, list, text, error: asStintError(thrown) })
      return []
    }
  }
  const actions = entry.actions.flatMap((text) => attempt('actions', text, (written) => knownActions(written, rules)))
  const resources = entry.resources.flatMap((text) =>
    attempt('resources', text, () => {
      const resource = parseResourcePattern(text)
      return rules ? inPartition(resource, rules.partition) : resource
    }),
  )
  return { actions, resources, conditions: entry.conditions ?? [], problems }
}

interface KnownActions {
  readonly written: string
  readonly members: readonly string[]
  /** Actions that the store does not have. They drop out of a wildcard. */
  readonly unserved: readonly string[]
}

/** @throws {StintError} ACTION_UNKNOWN */
function knownActions(written: string, rules: PairingRules | undefined): KnownActions {
  const all = expandActions(written)
  const { known } = rules ?? {}
  if (!known) return { written, members: all, unserved: [] }
  const members = all.filter((action) => known.actions.has(action))
  if (members.length > 0) return { written, members, unserved: all.filter((action) => !known.actions.has(action)) }
  const explanation = `The store of this role (profile ${known.store}) has no action ${written}.`
  throw refusal('ACTION_UNKNOWN', { action: written }, explanation)
}

interface PairedEntry {
  readonly pairs: readonly Pairing[]
  /** The wildcards of which at least one member was paired. */
  readonly wildcards: readonly WildcardMembers[]
  /** Actions, as written, that would have paired if they knew the key of each condition. */
  readonly unknownKeys: readonly UnknownKey[]
  /** Actions, as written, that fit no resource, with the closest result. */
  readonly unpairedActions: readonly { readonly written: string; readonly best: Fit }[]
  readonly unpairedResources: readonly { readonly resource: ResourcePattern; readonly best: Fit }[]
}

function pairEntry(
  { actions, resources, conditions }: SpeltEntry,
  rules: PairingRules,
  budget: { combinations: number },
): PairedEntry | 'too_many' {
  const checkFit = createFitCheck(rules, namesByTag(conditions))
  const partnered = new Set<ResourcePattern>()
  const worst = new Map<ResourcePattern, Fit>()
  const pairs: Pairing[] = []
  const unpairedActions: { written: string; best: Fit }[] = []
  const unknownKeys: UnknownKey[] = []
  const wildcards: WildcardMembers[] = []
  for (const { written, members, unserved } of actions) {
    const isNamed = !/[*?]/.test(written)
    let best: Fit = 'mismatch'
    let paired = 0
    let unknown: UnknownKey | undefined
    const dropped: { action: string; reason: DropReason }[] = unserved.map((action) => ({
      action,
      reason: 'unknown_to_store',
    }))
    for (const action of members) {
      const found = findAction(action)
      const before = paired
      let reason: DropReason = 'no_resource_fits'
      for (const resource of resources) {
        budget.combinations -= 1
        if (budget.combinations < 0) return 'too_many'
        const fit = checkFit(found, resource, isNamed)
        if (fit === 'mismatch') continue
        if (best !== 'fits') best = fit
        if (fit === 'too_wide') {
          worst.set(resource, fit)
          if (reason === 'no_resource_fits') reason = wideReason(found, rules)
          continue
        }
        partnered.add(resource)
        const missing = findMissingKey(found, resource, conditions, rules)
        if (missing) {
          unknown ??= { written, action, resource, ...missing }
          reason = 'condition_unknown'
        } else {
          pairs.push({ action, resource, ...(conditions.length > 0 && { conditions }) })
          paired += 1
        }
      }
      if (pairs.length > rules.maxPairs) return 'too_many'
      if (paired === before) dropped.push({ action, reason })
    }
    if (paired > 0) wildcards.push({ pattern: written, members: members.length + unserved.length, dropped })
    if (best !== 'fits') unpairedActions.push({ written, best })
    // Members of a wildcard that do not know a key drop out as those do that find no resource.
    if (unknown && (paired === 0 || isNamed)) unknownKeys.push(unknown)
  }
  const unpairedResources = resources
    .filter((resource) => !partnered.has(resource))
    .map((resource) => ({ resource, best: worst.get(resource) ?? 'mismatch' }))
  return { pairs, wildcards, unknownKeys, unpairedActions, unpairedResources }
}

/** The reason why a member that fits too widely drops out. */
function wideReason(action: TableAction, { findClass }: PairingRules): DropReason {
  if (action.resourceTypes.length > 0) return 'needs_resource'
  return judgeStar(action, findClass(action.action)) === 'returns_secret_by_name'
    ? 'returns_secret'
    : 'star_not_allowed'
}

function strictProblem(entry: AccessEntry, row: DroppedActions): AccessProblem {
  return { entry, list: 'actions', text: row.pattern, error: strictError(row) }
}

/**
 * Lists the actions and resources that pair with nothing. If nothing in an entry pairs, only its actions are listed, since its
 * resources would say the same again. Actions are left out if a misspelt resource may be why, and resources likewise.
 */
function listUnpaired(entry: AccessEntry, { problems, resources }: SpeltEntry, paired: PairedEntry): AccessProblem[] {
  const { pairs, unknownKeys, unpairedActions, unpairedResources } = paired
  const isSpelt = (list: AccessList) => !problems.some((problem) => problem.list === list)
  const actions = !isSpelt('resources')
    ? []
    : [
        ...unpairedActions.slice(0, MAX_INPUT_PROBLEMS).map(({ written, best }): AccessProblem => {
          return { entry, list: 'actions', text: written, error: unpairedAction(written, best, resources) }
        }),
        ...unknownKeys.map((unknown): AccessProblem => {
          return { entry, list: 'actions', text: unknown.written, error: unknownKey(unknown) }
        }),
      ]
  if (pairs.length === 0 || !isSpelt('actions')) return actions
  const unpaired = unpairedResources.map(({ resource, best }): AccessProblem => {
    return { entry, list: 'resources', text: resource.text, error: unpairedResource(resource, best) }
  })
  return [...actions, ...unpaired]
}

/** True if a condition names the resources by tag, so that a pattern of a whole kind does not mean all of the kind. */
function namesByTag(conditions: readonly Condition[]): boolean {
  return conditions.some(({ key, operator }) => operator === 'StringEquals' && key.startsWith('aws:ResourceTag/'))
}

function inPartition(resource: ResourcePattern, partition: string): ResourcePattern {
  if (resource.partition === undefined || resource.partition === partition) return resource
  const shown = resource.text.slice(0, 200)
  const explanation = `"${shown}" is in partition ${resource.partition}; a role in partition ${partition} cannot reach it.`
  throw new StintError('RESOURCE_INVALID', { resource: shown, explanation })
}

/** The first key of a condition that no request for this action on this resource would carry, at AWS or at the store. */
function findMissingKey(
  action: TableAction,
  resource: ResourcePattern,
  conditions: readonly Condition[],
  { knownKeys }: PairingRules,
): Pick<UnknownKey, 'key' | 'store'> | undefined {
  const unknown = findUnknownKey(action, resource, conditions)
  if (unknown) return { key: unknown.key }
  const atStore = knownKeys && conditions.find(({ key }) => !knownKeys.keys.has(key.toLowerCase()))
  return atStore && knownKeys && { key: atStore.key, store: knownKeys.store }
}
