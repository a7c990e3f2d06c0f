import { actionsOfService } from '../action-table.ts'
import { classify } from '../classify.ts'
import { type Allow, actionService } from './statement.ts'

/** A wildcard for actions of one statement. It matches no other action of the table but its exceptions. */
export interface ActionWildcard {
  /** e.g. `ec2:Describe*` */
  readonly pattern: string
  /** Canonical, sorted; at least two. */
  readonly actions: readonly string[]
  /** Further actions that it matches. No statement allows them, and a Deny must name them. Absent rather than empty. */
  readonly exceptions?: readonly string[]
  /** Characters that it saves, less those of the Deny for its exceptions. */
  readonly saves: number
}

/** A wildcard and the statement that it is for, by number. */
interface Candidate extends ActionWildcard {
  readonly at: number
}

/** Statements with the wildcards that they need. */
export interface Shortened {
  readonly statements: readonly Allow[]
  readonly wildcards: readonly ActionWildcard[]
}

/**
 * Replaces actions by wildcards until enough characters are saved. The wildcards that save most come first, and none is used
 * that is not needed.
 *
 * @param excess characters to save; if that is impossible, every wildcard is used.
 */
export function shortenStatements(statements: readonly Allow[], excess: number): Shortened {
  const allowed = new Set(statements.flatMap(({ actions }) => actions))
  const candidates = statements
    .flatMap(({ actions }, at) => findWildcards(actions, allowed).map((wildcard): Candidate => ({ ...wildcard, at })))
    .sort((a, b) => b.saves - a.saves || a.at - b.at || (a.pattern < b.pattern ? -1 : 1))
  const chosen = chooseWildcards(candidates, excess)
  return {
    statements: statements.map((allow, at) => {
      const own = chosen.filter((each) => each.at === at)
      return own.length === 0 ? allow : { ...allow, actions: withWildcards(allow.actions, own) }
    }),
    wildcards: chosen.map(({ at: _, ...wildcard }) => wildcard),
  }
}

/**
 * Finds wildcards `service:Prefix*` that match exactly the same actions of the table, or, if that is shorter, all actions that
 * begin with a word except a few: `ec2:Describe*` with a Deny of the one that returns user data.
 *
 * Only actions of the table count. An action that AWS adds later under the prefix would be allowed too, within the role's own
 * policies. To keep that small, a prefix holds at least the first word and everything that its actions have in common
 * (`ec2:Describe*`, not `ec2:Des*`), and there is no wildcard where a later action could return credentials, see
 * `handsOutCredentials` and `couldRaiseRights`.
 *
 * @param actions canonical, without wildcards.
 * @param allowed all actions of the policy: none of them can be an exception.
 * @returns wildcards of which no two stand for the same action.
 */
export function findWildcards(
  actions: readonly string[],
  allowed: ReadonlySet<string> = new Set(actions),
): readonly ActionWildcard[] {
  const byService = Map.groupBy(actions, actionService)
  return [...byService].flatMap(([service, own]) =>
    handsOutCredentials(service) ? [] : wildcardsOfService(service, own, allowed),
  )
}

/** @param candidates the ones that save most first */
function chooseWildcards(candidates: readonly Candidate[], excess: number): readonly Candidate[] {
  const chosen: Candidate[] = []
  let left = excess
  for (const candidate of candidates) {
    if (left <= 0) break
    chosen.push(candidate)
    left -= candidate.saves
  }
  if (left > 0) return chosen
  // The last one may have saved so much that a smaller one before it is not needed.
  return chosen.filter((each) => {
    const needless = left + each.saves <= 0
    if (needless) left += each.saves
    return !needless
  })
}

/** The actions, with these wildcards in place of the actions that they match. Sorted. */
function withWildcards(actions: readonly string[], wildcards: readonly ActionWildcard[]): readonly string[] {
  const replaced = new Set(wildcards.flatMap((wildcard) => wildcard.actions))
  return [...actions.filter((action) => !replaced.has(action)), ...wildcards.map(({ pattern }) => pattern)].sort()
}

function wildcardsOfService(
  service: string,
  actions: readonly string[],
  allowed: ReadonlySet<string>,
): readonly ActionWildcard[] {
  const names = actions.map((action) => action.slice(service.length + 1)).sort()
  const wanted = new Set(names.map((name) => name.toLowerCase()))
  const others = [...(actionsOfService(service) ?? [])].flatMap(([key, { action }]) =>
    wanted.has(key) ? [] : [action],
  )
  return [...groupByFirstWord(names)].flatMap(([word, own]) => {
    if (couldRaiseRights(service, word)) return []
    const rivals = others.filter((action) => startsWith(action, `${service}:${word}`))
    const exact = exactWildcards(service, own, rivals)
    const excepting = exceptingWildcard(service, own, rivals, allowed)
    return excepting && excepting.saves > sumSaves(exact) ? [excepting] : exact
  })
}

/** Groups names that a wildcard after the first word of one would match. IAM ignores case, so `GET` is with `GetPortal`. */
function groupByFirstWord(names: readonly string[]): ReadonlyMap<string, string[]> {
  const words = [...new Set(names.map(firstWord))].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  return Map.groupBy(names, (name) => words.find((word) => startsWith(name, word)) ?? name)
}

function exactWildcards(service: string, names: readonly string[], others: readonly string[]): ActionWildcard[] {
  const otherNames = others.map((action) => action.slice(service.length + 1))
  const found: ActionWildcard[] = []
  const covered = new Set<string>()
  for (const name of names) {
    const prefix = covered.has(name) ? undefined : ownPrefix(name, otherNames)
    if (prefix === undefined) continue
    const under = names.filter((other) => startsWith(other, prefix))
    if (under.length < 2) continue
    for (const other of under) covered.add(other)
    found.push(toWildcard(service, under))
  }
  return found
}

/** Most exceptions of one wildcard: a Deny of many would save nothing, and would be as hard to read. */
const MAX_EXCEPTIONS = 8

/** Characters of a Deny of its own, without its actions. */
const DENY_CHARACTERS = '{"Effect":"Deny","Action":[],"Resource":"*"},'.length

/** One wildcard for all the names, with the other actions that it matches as exceptions; undefined if there are none. */
function exceptingWildcard(
  service: string,
  names: readonly string[],
  others: readonly string[],
  allowed: ReadonlySet<string>,
): ActionWildcard | undefined {
  if (names.length < 2) return undefined
  const wildcard = toWildcard(service, names)
  const exceptions = others.filter((action) => startsWith(action, wildcard.pattern.slice(0, -1)))
  const isFew = exceptions.length > 0 && exceptions.length <= MAX_EXCEPTIONS
  if (!isFew || exceptions.some((action) => allowed.has(action))) return undefined
  const costs = exceptions.reduce((sum, action) => sum + action.length + 3, DENY_CHARACTERS)
  return { ...wildcard, exceptions, saves: wildcard.saves - costs }
}

function sumSaves(wildcards: readonly ActionWildcard[]): number {
  return wildcards.reduce((sum, { saves }) => sum + saves, 0)
}

function toWildcard(service: string, names: readonly string[]): ActionWildcard {
  const pattern = `${service}:${commonPrefix(names)}*`
  const actions = names.map((name) => `${service}:${name}`)
  // Each has two quotes and a comma.
  const saves = actions.reduce((sum, action) => sum + action.length + 3, 0) - (pattern.length + 3)
  return { pattern, actions, saves }
}

const knownServices = new Map<string, boolean>()
/** By service and first word; no more than there are in the table. */
const knownWords = new Map<string, boolean>()

/**
 * True for a service that hands out credentials: one of its reads returns something that outlives revocation or raises rights,
 * or any of its actions returns a secret that raises rights. A read that AWS adds later may do the same. Examples are
 * secretsmanager, sts, iam, ssm, ecr, eks and cognito-identity.
 */
function handsOutCredentials(service: string): boolean {
  const known = knownServices.get(service)
  if (known !== undefined) return known
  const found = [...(actionsOfService(service)?.values() ?? [])].some(({ action, level }) => {
    const { class: risk, flags } = classify(action)
    if (risk === 'escalation' && flags.includes('secret')) return true
    return (level === 'list' || level === 'read') && (risk === 'escalation' || flags.includes('outlives'))
  })
  knownServices.set(service, found)
  return found
}

/**
 * True if an action of the service that begins with this word changes permissions, raises rights or makes something that
 * outlives revocation, such as the key pairs of `ec2:CreateKeyPair`. A later action with this word may do the same.
 */
function couldRaiseRights(service: string, word: string): boolean {
  const key = `${service}:${word}`
  const known = knownWords.get(key)
  if (known !== undefined) return known
  const found = [...(actionsOfService(service)?.values() ?? [])].some(({ action }) => {
    if (!startsWith(action, key)) return false
    const { class: risk, flags } = classify(action)
    return risk === 'escalation' || risk === 'permissions' || flags.includes('outlives')
  })
  knownWords.set(key, found)
  return found
}

/** The shortest beginning of the name, from its first word on, that no other action of the service has. */
function ownPrefix(name: string, others: readonly string[]): string | undefined {
  let length = Math.max(1, firstWord(name).length)
  for (const other of others) {
    length = Math.max(length, countShared(name, other) + 1)
    if (length > name.length) return undefined
  }
  return name.slice(0, length)
}

function firstWord(name: string): string {
  return /^[A-Z]*[^A-Z]*/.exec(name)?.[0] ?? name
}

function commonPrefix(names: readonly string[]): string {
  const [first = '', ...rest] = names
  let length = first.length
  while (!rest.every((name) => startsWith(name, first.slice(0, length)))) length -= 1
  return first.slice(0, length)
}

function startsWith(name: string, prefix: string): boolean {
  return countShared(name, prefix) === prefix.length
}

/** Counts the characters that both begin with, in any case, as IAM does. Hot: large tasks call it millions of times. */
function countShared(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let at = 0
  while (at < most && lowerCode(one, at) === lowerCode(other, at)) at += 1
  return at
}

function lowerCode(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 65 && code <= 90 ? code + 32 : code
}
