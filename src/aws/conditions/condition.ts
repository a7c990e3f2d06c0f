import { printable } from '../../core/text/printable.ts'
import { CONDITION_KEYS, findConditionKey, type KeyParts } from './condition-keys.ts'

/** Operators that only ever narrow: a request without the key does not match. */
export const CONDITION_OPERATORS = ['StringEquals', 'StringLike'] as const
/** One of `CONDITION_OPERATORS`. */
export type ConditionOperator = (typeof CONDITION_OPERATORS)[number]

/**
 * One condition of an access entry. It holds if the request carries the key with one of the values. If the request carries
 * several values, all of them must be among these.
 */
export interface Condition {
  /** As AWS spells it, e.g. `aws:ResourceTag/env`. */
  readonly key: string
  readonly operator: ConditionOperator
  /** Sorted, without repeats. With StringLike `*` and `?` are wildcards. */
  readonly values: readonly string[]
}

/** A condition as it comes in. */
export interface ConditionInput {
  readonly key: string
  /** Absent or '': StringEquals. */
  readonly operator?: string | undefined
  readonly values: readonly string[]
}

/** The rule that a condition breaks. */
export type ConditionRule =
  | 'key_unknown'
  | 'key_repeated'
  | 'operator'
  | 'empty'
  | 'too_many'
  | 'too_long'
  | 'wildcard'
  | 'variable'
  | 'form'

/** One mistake of a list of conditions. */
export interface ConditionProblem {
  /** The place within the list, e.g. `[0].values[2]`. */
  readonly at: string
  readonly rule: ConditionRule
  /** The problem and what would be right, as the rest of a sentence that begins with the field. */
  readonly message: string
}

/** Conditions of one access entry. */
const MAX_CONDITIONS = 10
/** Values of one condition. */
const MAX_VALUES = 50
/** Keys and values of one access entry: about half a session policy, since every pair of the plan repeats them. */
const MAX_CHARACTERS = 1_000
/** A tag key. @see Tagging AWS Resources User Guide, "Tag naming limits and requirements" */
const SUFFIX = /^[A-Za-z0-9 _.:/=+@\u00c0-\u00ff-]{1,128}$/
/** Characters that STS takes in a session policy, without control characters. */
const VALUE = /^[\u0020-\u007e\u00a0-\u00ff]+$/

/**
 * Reads the conditions of one access entry.
 *
 * @returns the valid conditions in canonical spelling, sorted by key, and every problem.
 */
export function readConditions(inputs: readonly ConditionInput[]): {
  readonly conditions: readonly Condition[]
  readonly problems: readonly ConditionProblem[]
} {
  if (inputs.length > MAX_CONDITIONS) {
    const message = `must have at most ${MAX_CONDITIONS} conditions (got ${inputs.length}); split the entry`
    return { conditions: [], problems: [{ at: '', rule: 'too_many', message }] }
  }
  const characters = inputs.flatMap(({ key, values }) => [key, ...values]).join('').length
  if (characters > MAX_CHARACTERS) {
    const message = `must have at most ${MAX_CHARACTERS} characters of keys and values (got ${characters}); split the entry`
    return { conditions: [], problems: [{ at: '', rule: 'too_long', message }] }
  }
  const found = new Map<string, Condition>()
  const problems: ConditionProblem[] = []
  inputs.forEach((input, index) => {
    const read = readCondition(input, `[${index}]`)
    if ('problems' in read) problems.push(...read.problems)
    else if (found.has(read.key.toLowerCase())) problems.push(repeated(`[${index}].key`, read.key))
    else found.set(read.key.toLowerCase(), read)
  })
  return { conditions: [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1)), problems }
}

/** A condition in a few words, e.g. `aws:ResourceTag/env StringEquals dev, test`: for people, and to tell conditions apart. */
export function conditionText({ key, operator, values }: Condition): string {
  return `${key} ${operator} ${values.join(', ')}`
}

/**
 * The element `Condition` of a statement. A key that may have several values is asked by ForAllValues, which also holds for a
 * request that does not carry the key; `Null: false` closes that.
 *
 * @see IAM User Guide, "Set operators for multivalued context keys": "To prevent missing context keys … from evaluating to
 *   true, include the Null condition operator in your policy with a value of false"
 */
export function conditionElement(
  conditions: readonly Condition[],
): Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>> {
  const element: Record<string, Record<string, string | readonly string[]>> = {}
  for (const { key, operator, values } of conditions) {
    const [first = '', ...others] = values
    const multivalued = findConditionKey(key)?.row.multivalued === true
    const name = multivalued ? `ForAllValues:${operator}` : operator
    element[name] = { ...element[name], [key]: others.length === 0 ? first : values }
    if (multivalued) element.Null = { ...element.Null, [key]: 'false' }
  }
  return element
}

function readCondition(
  { key, operator, values }: ConditionInput,
  at: string,
): Condition | { readonly problems: readonly ConditionProblem[] } {
  const parts = findConditionKey(key)
  const problems = [
    ...keyProblems(parts, key, at),
    ...operatorProblems(operator, at),
    ...valuesProblems(values, { operator, parts, at }),
  ]
  if (problems.length > 0 || !parts) return { problems }
  return { key: parts.key, operator: asOperator(operator) ?? 'StringEquals', values: [...new Set(values)].sort() }
}

function keyProblems(parts: KeyParts | undefined, key: string, at: string): ConditionProblem[] {
  const problem = (message: string): ConditionProblem[] => [{ at: `${at}.key`, rule: 'key_unknown', message }]
  if (!parts) {
    return problem(`must be a key that tasks may use: ${nearKeys(key)} (got ${printable(key)})`)
  }
  if (parts.key === parts.row.name || SUFFIX.test(parts.suffix)) return parts.suffix === '' ? missing(parts) : []
  return problem(`must have 1 to 128 letters, digits, spaces or _ . : / = + - @ after ${parts.row.name}`)

  function missing({ row }: KeyParts): ConditionProblem[] {
    return /[:/]$/.test(row.name) ? problem(`must name what follows ${row.name}, such as ${row.name}env`) : []
  }
}

/** The keys of the same service, else all keys, with the long ones of Route 53 as one. */
function nearKeys(key: string): string {
  // ec2:ResourceTag/env and the like are the services' own names for what the global key says.
  const [, family] = /^[a-z0-9-]+:(resource|request)tag\//i.exec(key) ?? []
  if (family !== undefined) return `aws:${family.toLowerCase() === 'resource' ? 'Resource' : 'Request'}Tag/…`
  const prefix = key.slice(0, key.indexOf(':') + 1).toLowerCase()
  const near = CONDITION_KEYS.filter(({ name }) => prefix !== '' && name.toLowerCase().startsWith(prefix))
  const names = (near.length > 0 ? near : CONDITION_KEYS).map(({ name }) => {
    const shown = near.length > 0 ? name : name.replace(/(ChangeResourceRecordSets).*/, '$1…')
    return shown.replace(/[:/]$/, '$&…')
  })
  return [...new Set(names)].join(', ')
}

function operatorProblems(operator: string | undefined, at: string): ConditionProblem[] {
  if (!operator || asOperator(operator)) return []
  const why = /ifexists$/i.test(operator)
    ? '; …IfExists would also match requests without the key'
    : /^for(all|any)/i.test(operator)
      ? '; Stint adds ForAllValues itself to keys with several values'
      : ''
  return [
    {
      at: `${at}.operator`,
      rule: 'operator',
      message: `must be StringEquals or StringLike (got ${printable(operator)})${why}`,
    },
  ]
}

function valuesProblems(
  values: readonly string[],
  { operator, parts, at }: { operator: string | undefined; parts: KeyParts | undefined; at: string },
): ConditionProblem[] {
  if (values.length === 0) return [{ at: `${at}.values`, rule: 'empty', message: 'must have at least one value' }]
  if (values.length > MAX_VALUES) {
    const message = `must have at most ${MAX_VALUES} values (got ${values.length})`
    return [{ at: `${at}.values`, rule: 'too_many', message }]
  }
  return values.flatMap((value, index) => {
    const problem = valueProblem(value, asOperator(operator), parts)
    return problem ? [{ at: `${at}.values[${index}]`, ...problem }] : []
  })
}

function valueProblem(
  value: string,
  operator: ConditionOperator | undefined,
  parts: KeyParts | undefined,
): Omit<ConditionProblem, 'at'> | undefined {
  if (value === '') return { rule: 'empty', message: 'must not be empty' }
  if (!VALUE.test(value))
    return { rule: 'form', message: 'must consist of printable Latin-1 characters, the only ones that STS accepts' }
  if (value.includes('${')) {
    return {
      rule: 'variable',
      message: 'must not contain a policy variable: AWS would fill it in, so nobody could say what it allows',
    }
  }
  if (operator === 'StringEquals' && /[*?]/.test(value)) {
    return {
      rule: 'wildcard',
      message: 'contains a wildcard, which StringEquals compares as a plain character; for a pattern use StringLike',
    }
  }
  if (/^[*?]+$/.test(value))
    return { rule: 'wildcard', message: 'must not consist of wildcards alone: it would narrow nothing' }
  const form = parts?.row.form
  return form && !form.values.test(value)
    ? { rule: 'form', message: `${form.explanation} (got ${printable(value)})` }
    : undefined
}

function asOperator(text: string | undefined): ConditionOperator | undefined {
  return CONDITION_OPERATORS.find((operator) => operator === (text || 'StringEquals'))
}

function repeated(at: string, key: string): ConditionProblem {
  return { at, rule: 'key_repeated', message: `repeats ${key}; put all its values in one condition` }
}
