import { StintError } from '../core/errors.ts'
import { type ResourcePattern, resourceContains } from './arn.ts'
import { type Condition, conditionElement } from './conditions/condition.ts'
import { mergeServices } from './policy-statements/merge-services.ts'
import { type ActionWildcard, type Shortened, shortenStatements } from './policy-statements/shorten-actions.ts'
import {
  type Allow,
  groupByActions,
  groupByResources,
  groupByService,
  type NeededResources,
  sortedSet,
  statementJson,
} from './policy-statements/statement.ts'
import { type LeaseEndForm, type PolicyForm, PROFILES } from './store-profile.ts'

/** One action on one resource pattern that the policy has to allow. */
export interface AllowedPair {
  /** Canonical spelling, no wildcard. */
  readonly action: string
  readonly resource: ResourcePattern
  /** Conditions that must all hold, as `readConditions` returns them; default none. */
  readonly conditions?: readonly Condition[]
}

/** Allow statements, and the Deny of a network, as minified JSON, and their length with the time Deny. */
export interface SessionPolicy {
  /** Complete JSON without the time Deny; see `withLeaseEnd`. */
  readonly json: string
  /** Characters with the time Deny. */
  readonly characters: number
  /** Wildcards that stand for actions of the pairs; empty where every action is spelled. */
  readonly wildcards: readonly ActionWildcard[]
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

/** Wildcard patterns of one action that are compared with its other resources. Beyond it, redundant resources may stay. */
const MAX_COMPARED = 25

/**
 * Compiles the smallest policy found that allows these pairs and no other. The same pairs give the same text.
 *
 * 1. A resource that another resource of the same action covers is left out. Pairs are merged into statements by resources and
 *    by actions, and the shorter result is kept.
 * 2. If that is too long, statements of different services are merged, see `mergeServices`.
 * 3. If that is still too long, actions are shortened to as few wildcards as it takes, see `findWildcards`. They stand for
 *    exactly the same actions of the table, with a Deny of a few exceptions, but would also match an action that AWS adds later.
 *
 * @param form of the store that will judge the sessions; default AWS's.
 * @throws {StintError} SESSION_POLICY_TOO_LARGE with `characters`, `limit` and `statements`; TASK_INVALID when there are
 *   no pairs, since STS treats an empty policy as none; RESOURCE_INVALID for text that STS does not take.
 */
export function compileSessionPolicy(
  pairs: readonly AllowedPair[],
  form: PolicyForm = PROFILES.aws.policy,
): SessionPolicy {
  if (pairs.length === 0) {
    throw new StintError('TASK_INVALID', { explanation: 'The task must ask for at least one action on one resource.' })
  }
  const best = renderSmallest(pairs, form)
  if (!STS_TEXT.test(best.json)) {
    const explanation = 'The resources contain characters that a session policy must not contain; replace each with ?.'
    throw new StintError('RESOURCE_INVALID', { explanation })
  }
  if (best.characters > MAX_SESSION_POLICY_CHARACTERS) throw tooLarge(best)
  const { json, characters, wildcards } = best
  return { json, characters, wildcards }
}

/**
 * Characters that the policy of these pairs would have with the time Deny, whether it fits or not.
 *
 * @param pairs at least one.
 */
export function measureSessionPolicy(pairs: readonly AllowedPair[], form: PolicyForm = PROFILES.aws.policy): number {
  return renderSmallest(pairs, form).characters
}

/**
 * Adds the end of the lease: a Deny of everything from then on, which also overrides an Allow in a resource policy. The
 * operator is `DateGreaterThanEquals`, since a service that cuts its clock to the second would let the last second through
 * otherwise. Where the store needs it, a Deny of actions that no session may use comes before.
 *
 * @param policy `json` of `compileSessionPolicy`.
 * @param notAfter cut to the whole second, so never later than this.
 * @param form what the Deny names; default everything.
 * @throws {StintError} INTERNAL for a policy that is not compiled, or an invalid instant.
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
function withoutRedundant(pairs: readonly AllowedPair[]): NeededResources {
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

interface Rendered {
  readonly json: string
  readonly characters: number
  readonly statements: number
  readonly wildcards: readonly ActionWildcard[]
}

function renderSmallest(pairs: readonly AllowedPair[], form: PolicyForm): Rendered {
  // Statements with different conditions never merge: a statement allows each of its actions under all of its conditions.
  const groups = [...groupByCondition(pairs)].map(([condition, own]) => ({
    condition: condition || undefined,
    needed: withoutRedundant(own),
  }))
  const grouped = (group: (needed: NeededResources, condition: string | undefined) => readonly Allow[]) =>
    groups.flatMap(({ needed, condition }) => group(needed, condition))
  const plain = [grouped(groupByResources), grouped(groupByActions)]
  const exact = shortest(plain.map((statements) => render({ statements, wildcards: [] }, form)))
  if (exact.characters <= MAX_SESSION_POLICY_CHARACTERS || form.actions !== undefined) return exact
  const merged = [...plain, grouped(groupByService)].map((statements) => mergeServices(statements))
  const sizes = merged.map((statements) => render({ statements, wildcards: [] }, form))
  const spelled = shortest([exact, ...sizes])
  if (spelled.characters <= MAX_SESSION_POLICY_CHARACTERS) return spelled
  const shortened = merged.map((statements, at) => {
    const excess = (sizes[at]?.characters ?? 0) - MAX_SESSION_POLICY_CHARACTERS
    return render(shortenStatements(statements, excess), form)
  })
  const fitting = shortened.filter(({ characters }) => characters <= MAX_SESSION_POLICY_CHARACTERS)
  return fitting.length > 0 ? fewestWildcards(fitting) : shortest([spelled, ...shortened])
}

function shortest(rendered: readonly Rendered[]): Rendered {
  return rendered.reduce((best, next) => (next.characters < best.characters ? next : best))
}

function fewestWildcards(rendered: readonly Rendered[]): Rendered {
  return rendered.reduce((best, next) => (next.wildcards.length < best.wildcards.length ? next : best))
}

function render({ statements, wildcards }: Shortened, form: PolicyForm): Rendered {
  const denies = [...denyExceptions(wildcards), ...(form.denies ?? [])]
  const json = `${HEAD}${[...statements.map(statementJson), ...denies].join(',')}${TAIL}`
  const whole = withLeaseEnd(json, new Date(0), form.leaseEnd)
  const characters = form.measured === 'as_sent' ? whole.length : renderedBytes(whole)
  return { json, characters, statements: statements.length + 1, wildcards }
}

/** A Deny of the exceptions of wildcards. No other statement of the policy allows them. */
function denyExceptions(wildcards: readonly ActionWildcard[]): readonly string[] {
  const exceptions = sortedSet(wildcards.flatMap((wildcard) => wildcard.exceptions ?? []))
  return exceptions.length === 0 ? [] : [JSON.stringify({ Effect: 'Deny', Action: exceptions, Resource: '*' })]
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

function tooLarge({ characters, statements }: Rendered): StintError {
  const limit = MAX_SESSION_POLICY_CHARACTERS
  const explanation = `The session policy has ${characters} characters and the limit is ${limit}; split the task, or name fewer or wider resources.`
  return new StintError('SESSION_POLICY_TOO_LARGE', { characters, limit, statements, explanation })
}
