import { StintError } from '../core/errors.ts'
import { type ResourcePattern, resourceContains } from './arn.ts'
import { type Condition, conditionElement } from './conditions/condition.ts'
import { shortenActions } from './shorten-actions.ts'
import { type LeaseEndForm, type PolicyForm, PROFILES } from './store-profile.ts'

/** One action on one resource pattern that the policy has to allow. */
export interface AllowedPair {
  /** Canonical spelling, no wildcard. */
  readonly action: string
  readonly resource: ResourcePattern
  /** Conditions under which alone it is allowed, as `readConditions` has them; default none. */
  readonly conditions?: readonly Condition[]
}

/** Allow statements, and the Deny of a network, as minified JSON, and their length with the time Deny. */
export interface SessionPolicy {
  /** Complete JSON without the time Deny; see `withLeaseEnd`. */
  readonly json: string
  /** Characters with the time Deny. */
  readonly characters: number
}

/** A statement: every action of it on every resource of it. Both sorted. */
interface Allow {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** JSON of the element `Condition`; undefined for none. */
  readonly condition: string | undefined
}

/**
 * Plaintext characters of an inline session policy, white space counted.
 *
 * @see STS API Reference, AssumeRole, Policy
 */
export const MAX_SESSION_POLICY_CHARACTERS = 2_048

/** Characters that STS accepts: U+0009, U+000A, U+000D, U+0020 to U+00FF. */
const STS_TEXT = /^[\t\n\r\u0020-\u00ff]+$/
const HEAD = '{"Version":"2012-10-17","Statement":['
const TAIL = ']}'

/** Patterns with wildcards of one action that are compared with all its others; beyond it, redundancy is left standing. */
const MAX_COMPARED = 25

/** Largest parts named by a refusal. */
const PARTS_SHOWN = 5

/**
 * The smallest policy found that allows these pairs and no other: resources that another one of the same action covers are
 * left out, and what is alike is merged into statements in two ways, of which the shorter is taken. Only when that is too long
 * are actions shortened to wildcards that stand for exactly the same actions of the table; such a wildcard would also match an
 * action that AWS adds later, so it is a last resort. The same pairs give the same text.
 *
 * @param form of the store that will judge the sessions; default AWS's.
 * @throws {StintError} SESSION_POLICY_TOO_LARGE with `characters`, `limit`, `statements` and `largest`; TASK_INVALID when there
 *   is nothing to allow, since STS would take an empty policy for none; RESOURCE_INVALID for text that STS does not take.
 */
export function compileSessionPolicy(
  pairs: readonly AllowedPair[],
  form: PolicyForm = PROFILES.aws.policy,
): SessionPolicy {
  if (pairs.length === 0) {
    throw new StintError('TASK_INVALID', { explanation: 'The task must ask for at least one action on one resource.' })
  }
  // Statements with different conditions never merge: a statement allows each of its actions under all of its conditions.
  const groups = [...groupByCondition(pairs)].map(([condition, own]) => ({ condition, needed: withoutRedundant(own) }))
  const candidates = [byResources, byActions].map((merge) =>
    groups.flatMap(({ condition, needed }) =>
      merge(needed).map((allow) => ({ ...allow, condition: condition || undefined })),
    ),
  )
  const exact = renderShortest(candidates, form)
  const enough = exact.characters <= MAX_SESSION_POLICY_CHARACTERS || form.actions !== undefined
  const best = enough ? exact : renderShortest([...candidates, ...candidates.map(shortened)], form)
  if (!STS_TEXT.test(best.json)) {
    const explanation = 'The resources contain characters that a session policy must not contain; replace each with ?.'
    throw new StintError('RESOURCE_INVALID', { explanation })
  }
  if (best.characters > MAX_SESSION_POLICY_CHARACTERS) throw tooLarge(best, candidates[0] ?? [])
  return { json: best.json, characters: best.characters }
}

/**
 * Adds the end of the lease: a Deny of everything from then on, which an allow of a resource policy does not escape either.
 * `…Equals`, since a service that cuts its clock to the second would else let the last second through. Where the store needs
 * it, a Deny of what a session may never do comes before.
 *
 * @param policy `json` of `compileSessionPolicy`.
 * @param notAfter cut to the whole second, so never later than this.
 * @param form what the Deny names; default everything.
 * @throws {StintError} INTERNAL for a policy or an instant that is none.
 */
export function withLeaseEnd(
  policy: string,
  notAfter: Date,
  form: LeaseEndForm = PROFILES.aws.policy.leaseEnd,
): string {
  const at = notAfter.getTime()
  if (!(at >= 0 && at < Date.UTC(10_000, 0)) || !policy.startsWith(`${HEAD}{`) || !policy.endsWith(`}${TAIL}`)) {
    throw new StintError('INTERNAL', {
      explanation: 'A lease needs a compiled session policy and a valid end time.',
    })
  }
  return `${policy.slice(0, -TAIL.length)},${leaseEnd(notAfter, form)}${TAIL}`
}

function leaseEnd(notAfter: Date, { action, resource, never }: LeaseEndForm): string {
  const seconds = `${notAfter.toISOString().slice(0, 19)}Z`
  const always = never === undefined ? '' : `{"Effect":"Deny","Action":"${never}"},`
  return `${always}{"Effect":"Deny","Action":"${action}","Resource":"${resource}","Condition":{"DateGreaterThanEquals":{"aws:CurrentTime":"${seconds}"}}}`
}

/** Pairs by the JSON of their conditions, '' for none, which come first. */
function groupByCondition(pairs: readonly AllowedPair[]): ReadonlyMap<string, readonly AllowedPair[]> {
  const groups = new Map<string, AllowedPair[]>()
  for (const pair of pairs) {
    const { conditions = [] } = pair
    const key = conditions.length === 0 ? '' : JSON.stringify(conditionElement(conditions))
    const group = groups.get(key) ?? []
    group.push(pair)
    groups.set(key, group)
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Resources per action, without those that another one of the action covers. */
function withoutRedundant(pairs: readonly AllowedPair[]): ReadonlyMap<string, readonly string[]> {
  const byAction = new Map<string, Map<string, ResourcePattern>>()
  for (const { action, resource } of pairs) {
    const own = byAction.get(action) ?? new Map<string, ResourcePattern>()
    byAction.set(action, own.set(resource.text, resource))
  }
  const reduced = new Map<string, readonly string[]>()
  const known = new Map<string, readonly string[]>()
  for (const [action, own] of [...byAction].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const key = [...own.keys()].sort().join('\n')
    const resources = known.get(key) ?? dropCovered([...own.values()])
    known.set(key, resources)
    reduced.set(action, resources)
  }
  return reduced
}

function dropCovered(resources: readonly ResourcePattern[]): readonly string[] {
  const wide = resources.filter(({ text }) => /[*?]/.test(text)).slice(0, MAX_COMPARED)
  const kept = resources.filter(
    (resource, at) =>
      !wide.some(
        (other) =>
          other !== resource &&
          resourceContains(other, resource) &&
          // The first of two equal patterns is kept.
          (!resourceContains(resource, other) || resources.indexOf(other) < at),
      ),
  )
  return kept.map(({ text }) => text).sort()
}

/** One statement per set of resources. */
function byResources(needed: ReadonlyMap<string, readonly string[]>): readonly Omit<Allow, 'condition'>[] {
  const groups = new Map<string, { actions: string[]; resources: readonly string[] }>()
  for (const [action, resources] of needed) {
    const key = resources.join('\n')
    const group = groups.get(key) ?? { actions: [], resources }
    group.actions.push(action)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** One statement per set of actions: shorter where actions share a part of their resources. */
function byActions(needed: ReadonlyMap<string, readonly string[]>): readonly Omit<Allow, 'condition'>[] {
  const actionsOf = new Map<string, string[]>()
  for (const [action, resources] of needed) {
    for (const resource of resources) {
      const actions = actionsOf.get(resource) ?? []
      actions.push(action)
      actionsOf.set(resource, actions)
    }
  }
  const groups = new Map<string, { actions: readonly string[]; resources: string[] }>()
  for (const [resource, actions] of [...actionsOf].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const key = actions.join('\n')
    const group = groups.get(key) ?? { actions, resources: [] }
    group.resources.push(resource)
    groups.set(key, group)
  }
  return [...groups.values()]
}

function shortened(statements: readonly Allow[]): readonly Allow[] {
  return statements.map(({ actions, ...allow }) => ({ ...allow, actions: shortenActions(actions) }))
}

interface Rendered {
  readonly json: string
  readonly characters: number
  readonly statements: number
}

function renderShortest(candidates: readonly (readonly Allow[])[], form: PolicyForm): Rendered {
  const rendered = candidates.map((statements) => {
    const json = `${HEAD}${[...statements.map(statementJson), ...(form.denies ?? [])].join(',')}${TAIL}`
    const whole = withLeaseEnd(json, new Date(0), form.leaseEnd)
    const characters = form.measured === 'as_sent' ? whole.length : renderedBytes(whole)
    return { json, characters, statements: statements.length + 1 }
  })
  return rendered.reduce((best, next) => (next.characters < best.characters ? next : best))
}

/** Bytes of a policy as a store renders it that keeps every list as a list, `*` as `**`, and escapes `& < >`. */
function renderedBytes(json: string): number {
  const list = (value: unknown) => [value].flat()
  const { Version, Statement } = JSON.parse(json) as { Version: string; Statement: Record<string, unknown>[] }
  const statements = Statement.map(({ Effect, Action, Resource, Condition }) => ({
    Effect,
    Action: list(Action),
    ...(Resource === undefined
      ? {}
      : { Resource: list(Resource).map((resource) => (resource === '*' ? '**' : resource)) }),
    ...(Condition ? { Condition: conditionLists(Condition) } : {}),
  }))
  const text = JSON.stringify({ Version, Statement: statements }).replace(/[&<>]/g, '\\u0000')
  return Buffer.byteLength(text, 'utf8')
}

function conditionLists(condition: object): object {
  const entries = Object.entries(condition) as [string, Record<string, unknown>][]
  return Object.fromEntries(
    entries.map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, [value].flat()])),
    ]),
  )
}

function statementJson({ actions, resources, condition }: Allow): string {
  const json = JSON.stringify({ Effect: 'Allow', Action: oneOrMany(actions), Resource: oneOrMany(resources) })
  return condition === undefined ? json : `${json.slice(0, -1)},"Condition":${condition}}`
}

function oneOrMany(items: readonly string[]): string | readonly string[] {
  const [first, ...others] = items
  return first !== undefined && others.length === 0 ? first : items
}

function tooLarge({ characters, statements }: Rendered, parts: readonly Allow[]): StintError {
  const largest = parts
    .map((part) => ({
      characters: statementJson(part).length,
      actions: part.actions.length,
      resources: part.resources.length,
      firstAction: part.actions[0] ?? '',
      firstResource: (part.resources[0] ?? '').slice(0, 100),
    }))
    .sort((a, b) => b.characters - a.characters)
    .slice(0, PARTS_SHOWN)
  const limit = MAX_SESSION_POLICY_CHARACTERS
  const explanation = `The session policy has ${characters} characters and the limit is ${limit}; split the task, or name fewer or wider resources.`
  return new StintError('SESSION_POLICY_TOO_LARGE', { characters, limit, statements, largest, explanation })
}
