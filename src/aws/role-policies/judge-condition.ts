import { splitArn } from '../arn.ts'
import { findConditionKey } from '../conditions/condition-keys.ts'
import { contains, intersects, matches } from '../glob.ts'
import type { ConditionClause } from './policy-document.ts'
import type { FillVariable } from './policy-resource.ts'
import type { FindFact, KeyFact } from './session-facts.ts'

/** Undefined: it depends on the request. */
export type Truth = boolean | undefined

/**
 * Judges a clause for every request of which `find` knows the facts: true if it holds for all of them, false if it holds for
 * none.
 *
 * @param fill the values of policy variables; undefined where the document's version has none.
 * @see IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators for multivalued context keys"
 */
export function judgeClause(
  { operator: written, key, values }: ConditionClause,
  find: FindFact,
  fill?: FillVariable,
): Truth {
  const operator = readOperator(written)
  const fact = find(key.toLowerCase())
  if (!operator) return undefined
  if (operator.name === 'null') return fact && someTrue(values.map((value) => judgeNull(value, fact)))
  const family = FAMILIES[operator.name]
  if (!family) return undefined
  if (fact?.kind === 'absent') {
    if (operator.ifExists || operator.set === 'forallvalues') return true
    return operator.set === undefined && family.negated
  }
  // A negated operator on a key with several values is read in more than one way.
  if (!fact || (operator.set && family.negated)) return undefined
  if (fact.kind === 'within' && !operator.set && findConditionKey(key)?.row.multivalued) return undefined
  const wanted = values.map((value) => fillAll(value, fill))
  const held = someTrue(wanted.map((text) => (text === undefined ? undefined : family.matches(fact, text))))
  const allOf = held ?? (fact.kind === 'within' ? coverTogether(fact, wanted, family) : undefined)
  return allOf === undefined ? undefined : allOf !== family.negated
}

/** True if all clauses hold for every request, false if one of them holds for none. */
export function judgeClauses(clauses: readonly ConditionClause[], find: FindFact, fill?: FillVariable): Truth {
  let all: Truth = true
  for (const clause of clauses) {
    const held = judgeClause(clause, find, fill)
    if (held === false) return false
    if (held === undefined) all = undefined
  }
  return all
}

function judgeNull(value: string, { kind }: KeyFact): Truth {
  const wanted = value.toLowerCase()
  if (wanted !== 'true' && wanted !== 'false') return undefined
  return (kind === 'absent') === (wanted === 'true')
}

/** Each of the texts that a fact allows may be matched by another value of the clause. */
function coverTogether(
  fact: KeyFact & { kind: 'within' },
  wanted: readonly (string | undefined)[],
  family: Family,
): Truth {
  const each = fact.patterns.map((pattern): Truth => {
    const one: KeyFact = { ...fact, patterns: [pattern] }
    return someTrue(wanted.map((text) => (text === undefined ? undefined : family.matches(one, text))))
  })
  return each.every((held) => held === true) ? true : undefined
}

interface Operator {
  readonly name: string
  readonly set: string | undefined
  readonly ifExists: boolean
}

function readOperator(text: string): Operator | undefined {
  const [all, set, name, ifExists] =
    /^(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?$/.exec(text.toLowerCase()) ?? []
  return all === undefined || name === undefined ? undefined : { name, set, ifExists: ifExists !== undefined }
}

function someTrue(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true
  return truths.includes(undefined) ? undefined : false
}

/** Fills the variables of a value; undefined if one of them is unknown, or its value could be taken for a wildcard. */
function fillAll(text: string, fill: FillVariable | undefined): string | undefined {
  if (!fill || !text.includes('${')) return text
  let known = true
  const filled = text.replace(/\$\{([^{}]*)\}/g, (_, name: string) => {
    const value = name === '$' ? '$' : fill(name.trim().toLowerCase())
    if (value === undefined || /[*?]/.test(value)) known = false
    return value ?? ''
  })
  return known ? filled : undefined
}

/** Compares a fact with one value of a clause, before any negation. */
type Matches = (fact: KeyFact, wanted: string) => Truth

interface Family {
  readonly negated: boolean
  readonly matches: Matches
}

const equal: Matches = (fact, wanted) => {
  if (fact.kind === 'value') return fact.value === wanted
  if (fact.kind === 'fresh') return false
  if (fact.kind === 'after') return equalInstant(fact, wanted)
  if (fact.kind !== 'within') return undefined
  if (fact.wildcards) return fact.patterns.some((pattern) => matches(pattern, wanted)) ? undefined : false
  return allOrNone(fact.patterns.map((pattern) => pattern === wanted))
}

const equalIgnoringCase: Matches = (fact, wanted) => {
  const lower = wanted.toLowerCase()
  if (fact.kind === 'value') return fact.value.toLowerCase() === lower
  if (fact.kind === 'fresh') return false
  if (fact.kind !== 'within' || fact.wildcards) return undefined
  return allOrNone(fact.patterns.map((pattern) => pattern.toLowerCase() === lower))
}

const like: Matches = (fact, wanted) => {
  if (/^\*+$/.test(wanted)) return true
  if (fact.kind === 'value') return matches(wanted, fact.value)
  if (fact.kind === 'fresh') return !/[*?]/.test(wanted) || NAMES_ONE_SESSION.test(wanted) ? false : undefined
  if (fact.kind !== 'within') return undefined
  if (!fact.wildcards) return allOrNone(fact.patterns.map((pattern) => matches(wanted, pattern)))
  if (fact.patterns.every((pattern) => contains(wanted, pattern))) return true
  return fact.patterns.some((pattern) => intersects(wanted, pattern)) ? undefined : false
}

/** Wildcards of ARNs end at colons, and those of texts do not: true only if both readings agree. */
const arnLike: Matches = (fact, wanted) => {
  const held = like(fact, wanted)
  if (held !== true || fact.kind !== 'value' || wanted === fact.value) return held
  const [pattern, arn] = [splitArn(wanted), splitArn(fact.value)]
  const parts = ['prefix', 'partition', 'service', 'region', 'account', 'resource'] as const
  return parts.every((part) => matches(pattern[part] ?? '', arn[part] ?? '')) ? true : undefined
}

/** A value such as `*:01JD…2Q.*` that spells a grant's ULID: only sessions of that grant have it. */
const NAMES_ONE_SESSION = /(?<![0-9A-Za-z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])/

const bool: Matches = (fact, wanted) =>
  fact.kind === 'value' ? fact.value.toLowerCase() === wanted.toLowerCase() : undefined

function allOrNone(held: readonly boolean[]): Truth {
  if (held.every(Boolean)) return true
  return held.some(Boolean) ? undefined : false
}

/** Any instant after the fact's own, compared with one. */
function before(fact: KeyFact, wanted: string): Truth {
  const ms = instantMs(wanted)
  return fact.kind === 'after' && ms <= fact.ms ? false : undefined
}

function after(fact: KeyFact, wanted: string): Truth {
  const ms = instantMs(wanted)
  return fact.kind === 'after' && ms <= fact.ms ? true : undefined
}

function equalInstant(fact: KeyFact, wanted: string): Truth {
  return before(fact, wanted)
}

/** W3C date or epoch seconds; NaN for anything else. */
function instantMs(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1_000
  return /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
}

const unknown: Matches = () => undefined

const FAMILIES: Readonly<Record<string, Family>> = {
  stringequals: { negated: false, matches: equal },
  stringnotequals: { negated: true, matches: equal },
  stringequalsignorecase: { negated: false, matches: equalIgnoringCase },
  stringnotequalsignorecase: { negated: true, matches: equalIgnoringCase },
  stringlike: { negated: false, matches: like },
  stringnotlike: { negated: true, matches: like },
  arnequals: { negated: false, matches: arnLike },
  arnlike: { negated: false, matches: arnLike },
  arnnotequals: { negated: true, matches: arnLike },
  arnnotlike: { negated: true, matches: arnLike },
  bool: { negated: false, matches: bool },
  datelessthan: { negated: false, matches: before },
  datelessthanequals: { negated: false, matches: before },
  dategreaterthan: { negated: false, matches: after },
  dategreaterthanequals: { negated: false, matches: after },
  dateequals: { negated: false, matches: equalInstant },
  datenotequals: { negated: true, matches: equalInstant },
  numericlessthan: { negated: false, matches: before },
  numericlessthanequals: { negated: false, matches: before },
  numericgreaterthan: { negated: false, matches: after },
  numericgreaterthanequals: { negated: false, matches: after },
  numericequals: { negated: false, matches: unknown },
  numericnotequals: { negated: true, matches: unknown },
  ipaddress: { negated: false, matches: unknown },
  notipaddress: { negated: true, matches: unknown },
  binaryequals: { negated: false, matches: unknown },
}
