import type { ActionClass } from '../aws/action-classes.ts'
import type { ResourceType, TableAction } from '../aws/action-table.ts'
import { parseResourcePattern, type ResourcePattern, splitArn } from '../aws/arn.ts'
import { expandActions, findAction } from '../aws/classify.ts'
import { type Condition, conditionText } from '../aws/conditions/condition.ts'
import { findUnknownKey } from '../aws/conditions/known-keys.ts'
import { compileGlob, contains, intersects, matches } from '../aws/glob.ts'
import { judgeStar } from '../aws/reach/star.ts'
import { asStintError, type ErrorCode, StintError } from '../core/errors.ts'
import { MAX_INPUT_PROBLEMS } from '../core/input-error.ts'
import { strictError, summariseDropped, type WildcardMembers } from './dropped-actions.ts'
import type { DroppedActions, DropReason } from './plan.ts'
import type { AccessEntry, AccessList } from './task.ts'

/** An action with one resource pattern that it can take, under the conditions of its entry. */
export interface Pairing {
  /** Canonical spelling. */
  readonly action: string
  readonly resource: ResourcePattern
  /** Absent rather than empty. */
  readonly conditions?: readonly Condition[]
}

/** How far pairing may go. */
export interface PairingRules {
  /** The role's partition, e.g. `aws`: it reaches no other. */
  readonly partition: string
  /** The role's account, '' where it has none: all of a kind in it is all of the kind that the role has. */
  readonly accountId: string
  /** Pairs of a whole task. */
  readonly maxPairs: number
  /** True for every action, or for those that match one of the patterns: these may take `*` or a whole resource type. */
  readonly allowWildcard: boolean | readonly string[]
  /** True if reads of configuration may too: those that need no resource and return no secret. */
  readonly allowWildcardReads: boolean
  /** True if no member of an action wildcard may drop out. */
  readonly strict: boolean
  /** The class of an action, as the operator has it. */
  readonly findClass: (action: string) => ActionClass
  /** The actions that the store behind the role knows, with its name; undefined where it knows all. */
  readonly known?: { readonly store: string; readonly actions: ReadonlySet<string> }
  /** The condition keys that the store fills in, in lower case, with its name; undefined where it knows all. */
  readonly knownKeys?: { readonly store: string; readonly keys: ReadonlySet<string> }
}

/** True if an action and a resource go together. */
type Fit = 'fits' | 'too_wide' | 'mismatch'

/** Combinations that may be looked at for each pair that is allowed. */
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
  /** Up to MAX_INPUT_PROBLEMS; with any, the pairs are not all. */
  readonly problems: readonly AccessProblem[]
  /** Members of action wildcards that found no partner; each row once. */
  readonly dropped: readonly DroppedActions[]
  /** Set where there are more pairs than allowed, or too many to look at. */
  readonly tooMany?: StintError
}

/**
 * Actions × resources of each entry, thinned to what IAM could ever evaluate together.
 *
 * A pattern is read as IAM reads it, where `*` crosses `/`: `s3:GetObject` pairs with `arn:aws:s3:::data*`, which stands for
 * the objects of `data-2` too, and is labelled by all of that. An action that takes no resource pairs with `*` alone: if it
 * only lists or reads, else by `allowWildcard`; one that returns a secret has to be named, since whoever writes `ec2:Describe*`
 * does not mean the passwords among what it shows. Any other action pairs with `*`, or with a pattern that stands for all members
 * of one of its resource types in the role's own account, by `allowWildcard`, or by `allowWildcardReads` if it lists or reads,
 * needs no resource and returns no secret. Members of an action wildcard that find no partner drop out; an action or resource
 * as written that finds none is a problem, unless a misspelt one of its entry may be why. Members that drop out are listed;
 * where the rules are strict, they are problems.
 *
 * @param rules undefined where the role is not known: then spelling alone is judged.
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

/** Sorts by action and then resource; the same pair under other conditions is another. */
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
  /** Actions that the store does not know drop out of a wildcard: nobody could do them there. */
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

interface UnknownKey {
  readonly written: string
  readonly action: string
  readonly resource: ResourcePattern
  readonly key: string
  /** The store that does not know it, where AWS does. */
  readonly store?: string
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

/** A member that fits, but only too widely: because it takes nothing narrower, or because it does. */
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
 * If nothing in an entry fits together, only its actions are reported: reporting its resources too would say the same twice.
 * What a misspelt resource may be the partner of is not reported either, nor what a misspelt action may be.
 */
function listUnpaired(entry: AccessEntry, { problems }: SpeltEntry, paired: PairedEntry): AccessProblem[] {
  const { pairs, unknownKeys, unpairedActions, unpairedResources } = paired
  const isSpelt = (list: AccessList) => !problems.some((problem) => problem.list === list)
  const actions = !isSpelt('resources')
    ? []
    : [
        ...unpairedActions.map(({ written, best }): AccessProblem => {
          return { entry, list: 'actions', text: written, error: unpairedAction(written, best) }
        }),
        ...unknownKeys.map((unknown): AccessProblem => {
          return { entry, list: 'actions', text: unknown.written, error: unknownKey(unknown) }
        }),
      ]
  if (pairs.length === 0 || !isSpelt('actions')) return actions
  const resources = unpairedResources.map(({ resource, best }): AccessProblem => {
    return { entry, list: 'resources', text: resource.text, error: unpairedResource(resource, best) }
  })
  return [...actions, ...resources]
}

/** True if a tag says which resources are meant: all of a kind that have it is not all of a kind. */
function namesByTag(conditions: readonly Condition[]): boolean {
  return conditions.some(({ key, operator }) => operator === 'StringEquals' && key.startsWith('aws:ResourceTag/'))
}

/** Checks pairs and caches the answer for each resource type, since the actions of a service share types. */
function createFitCheck(
  rules: PairingRules,
  byTag: boolean,
): (action: TableAction, resource: ResourcePattern, isNamed: boolean) => Fit {
  const meets = new Map<ResourcePattern, Map<ResourceType, Fit>>()
  const wildcards = rules.allowWildcard
  const judge = (action: TableAction) => judgeStar(action, rules.findClass(action.action))
  const mayTakeAll = (action: TableAction): boolean =>
    byTag ||
    (rules.allowWildcardReads && judge(action) === 'reads_configuration') ||
    (Array.isArray(wildcards)
      ? wildcards.some((pattern: string) => matches(pattern.toLowerCase(), action.action.toLowerCase()))
      : wildcards === true)
  return (action, resource, isNamed) => {
    const { resourceTypes } = action
    if (resource.text === '*') {
      const use = judge(action)
      const isPlain = use === 'nothing_narrower' || (isNamed && use === 'returns_secret_by_name')
      return isPlain || mayTakeAll(action) ? 'fits' : 'too_wide'
    }
    const known = meets.get(resource) ?? new Map<ResourceType, Fit>()
    meets.set(resource, known)
    let fit: Fit = 'mismatch'
    for (const type of resourceTypes) {
      const found = known.get(type) ?? checkType(type, resource, rules)
      known.set(type, found)
      if (found === 'too_wide') return mayTakeAll(action) ? 'fits' : 'too_wide'
      if (found === 'fits') fit = 'fits'
    }
    return fit
  }
}

function checkType(type: ResourceType, resource: ResourcePattern, { partition, accountId }: PairingRules): Fit {
  if (!type.parts.every((part, at) => intersects(part, resource.parts[at] ?? part))) return 'mismatch'
  if (!type.hasVariables || !/[*?]/.test(resource.text)) return 'fits'
  const wide = compileGlob(widenPattern(resource.text))
  const standsForAll = contains(wide, compileGlob(type.all(partition, accountId)))
  return standsForAll ? 'too_wide' : 'fits'
}

/**
 * A pattern without what narrows it in form only: no bucket has a name under three characters, so `???*` is `*`, and every
 * region has a dash, so `*-*` is. Asked only whether a pattern is too wide, where reading it too wide is the safe side.
 */
function widenPattern(text: string): string {
  const { prefix, partition, service, region = '', account = '', resource } = splitArn(text)
  const open = (part: string) => (/[*?]/.test(part) ? '*' : part)
  const opened = resource.replace(/\?*\*[?*]*/g, '*')
  return [prefix, partition, service, open(region), open(account), opened].join(':')
}

function inPartition(resource: ResourcePattern, partition: string): ResourcePattern {
  if (resource.partition === undefined || resource.partition === partition) return resource
  const shown = resource.text.slice(0, 200)
  const explanation = `"${shown}" is in partition ${resource.partition}; a role in partition ${partition} cannot reach it.`
  throw new StintError('RESOURCE_INVALID', { resource: shown, explanation })
}

function unpairedAction(action: string, fit: Fit): StintError {
  if (fit === 'mismatch') {
    const explanation = `${action} does not apply to any resource of its entry${describeAccepted(action)}.`
    return refusal('ACTION_RESOURCE_MISMATCH', { action }, explanation)
  }
  const why = takesStarOnly(action)
    ? explainStarOnly(action)
    : `would reach all resources of its kind; name the ones that the task needs${describeTemplates(action)}`
  return refusal('RESOURCE_TOO_WIDE', { action }, `${action} ${why}.`)
}

/** Why an action that takes nothing narrower than `*` may not have it. */
function explainStarOnly(written: string): string {
  const readsSecrets = expandActions(written).every((each) => judgeStar(findAction(each)) === 'returns_secret_by_name')
  return readsSecrets
    ? 'returns secrets and applies to "*" only; name the actions that the task needs, without a wildcard'
    : 'applies to "*" only and does more than list or read; the operator can allow it for this role'
}

function unpairedResource({ text }: ResourcePattern, fit: Fit): StintError {
  const resource = text.slice(0, 200)
  return fit === 'too_wide'
    ? refusal(
        'RESOURCE_TOO_WIDE',
        { resource },
        `"${resource}" matches all resources of a kind; name the ones that the task needs.`,
      )
    : refusal('ACTION_RESOURCE_MISMATCH', { resource }, `No action of its entry applies to "${resource}".`)
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

function unknownKey({ action, resource, key, store }: UnknownKey): StintError {
  const shown = resource.text.slice(0, 200)
  const explanation =
    store === undefined
      ? `${action} on "${shown}" does not know the condition key ${key}, so it would never be allowed; give it an entry without this condition.`
      : `The store of this role (profile ${store}) does not know the condition key ${key}, so ${action} would never be allowed.`
  return new StintError('CONDITION_MISMATCH', { action, resource: shown, conditionKey: key, explanation })
}

/** The resources that an action applies to, as the end of a sentence; '' for a pattern of actions. */
function describeAccepted(written: string): string {
  if (/[*?]/.test(written)) return ''
  if (takesStarOnly(written)) return '; it applies to "*" only'
  return `; it applies to ${listTemplates(findAction(written))}`
}

/** The form of what may be named, in brackets; '' for a pattern of actions. */
function describeTemplates(written: string): string {
  return /[*?]/.test(written) ? '' : ` (${listTemplates(findAction(written))})`
}

function listTemplates({ resourceTypes }: TableAction): string {
  const shown = resourceTypes.slice(0, 4).map(({ template }) => template)
  return `${shown.join(' or ')}${resourceTypes.length > shown.length ? ' or others' : ''}`
}

function takesStarOnly(written: string): boolean {
  return expandActions(written).every((action) => findAction(action).resourceTypes.length === 0)
}

function refusal(code: ErrorCode, details: { action?: string; resource?: string }, explanation: string): StintError {
  return new StintError(code, { ...details, explanation })
}

function tooMany(maxPairs: number): StintError {
  const explanation = `The task has more than ${maxPairs} pairs of action and resource; split it.`
  return new StintError('TASK_INVALID', { maxPairs, explanation })
}
