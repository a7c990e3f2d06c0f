/**
 * Decides requests by IAM policies, from AWS's documents alone: it shares no code with `src`, so that a mistake there is not
 * repeated here. Covers what tests need: Allow and Deny, (Not)Action, (Not)Resource, globs, and the String, Arn, Date, Bool,
 * IpAddress (IPv4) and Null operators with `IfExists`, `ForAllValues` and `ForAnyValue`. Anything else throws rather than being passed over.
 *
 * @see IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements: Condition operators" and "Set operators for
 *   multivalued context keys"
 */
export interface IamRequest {
  readonly action: string
  readonly resource: string
  /** Condition keys of the request; names in any case. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>
}

export type IamVerdict = 'allow' | 'explicit_deny' | 'implicit_deny'

type OneOrMany = string | readonly string[]
interface Statement {
  readonly Effect: string
  readonly Action?: OneOrMany
  readonly NotAction?: OneOrMany
  readonly Resource?: OneOrMany
  readonly NotResource?: OneOrMany
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMany>>>>
}

/** The verdict of one set of policies, e.g. all the identity policies of a role, or the session policy. */
export function evaluateIam(policies: readonly string[], request: IamRequest): IamVerdict {
  const applying = policies.flatMap(statements).filter((statement) => applies(statement, request))
  if (applying.some(({ Effect }) => Effect === 'Deny')) return 'explicit_deny'
  return applying.some(({ Effect }) => Effect === 'Allow') ? 'allow' : 'implicit_deny'
}

function statements(policy: string): readonly Statement[] {
  const { Statement } = JSON.parse(policy) as { Statement: Statement | readonly Statement[] }
  return list(Statement)
}

function applies(statement: Statement, { action, resource, context = {} }: IamRequest): boolean {
  const { Action, NotAction, Resource, NotResource, Condition = {} } = statement
  const anyAction = (patterns: OneOrMany) =>
    list(patterns).some((each) => glob(each.toLowerCase(), action.toLowerCase()))
  const anyResource = (patterns: OneOrMany) => list(patterns).some((each) => glob(each, resource))
  if (Action === undefined ? NotAction === undefined || anyAction(NotAction) : !anyAction(Action)) return false
  if (Resource === undefined ? NotResource === undefined || anyResource(NotResource) : !anyResource(Resource))
    return false
  const keys = new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), list(value)]))
  return Object.entries(Condition).every(([operator, tests]) =>
    Object.entries(tests).every(([key, values]) => holds(operator, keys.get(key.toLowerCase()), list(values))),
  )
}

function holds(operator: string, actual: readonly string[] | undefined, wanted: readonly string[]): boolean {
  // "A key that exists but has no value": to Null and to ForAllValues it is as a key that is not there.
  const values = actual?.length === 0 ? undefined : actual
  if (operator === 'Null') return wanted.some((value) => (value === 'true') === (values === undefined))
  const [, set = '', name = '', ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? []
  const test = OPERATORS[name]
  if (!test) throw new Error(`the evaluator does not know the operator ${operator}`)
  const negated = NEGATED.has(name)
  // A single value of the request: one value of the policy must match, or none where the operator is negated.
  const one = (value: string) =>
    negated ? wanted.every((want) => test(value, want)) : wanted.some((want) => test(value, want))
  if (set === 'ForAllValues') return (values ?? []).every(one)
  if (set === 'ForAnyValue') return (values ?? []).some(one)
  if (values === undefined) return ifExists !== undefined || negated
  return negated ? values.every(one) : values.some(one)
}

const NEGATED = new Set([
  'StringNotEquals',
  'StringNotLike',
  'ArnNotLike',
  'ArnNotEquals',
  'DateNotEquals',
  'NotIpAddress',
])
const OPERATORS: Readonly<Record<string, (actual: string, wanted: string) => boolean>> = {
  StringEquals: (actual, wanted) => actual === wanted,
  StringNotEquals: (actual, wanted) => actual !== wanted,
  StringEqualsIgnoreCase: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  StringLike: (actual, wanted) => glob(wanted, actual),
  StringNotLike: (actual, wanted) => !glob(wanted, actual),
  ArnEquals: (actual, wanted) => glob(wanted, actual),
  ArnLike: (actual, wanted) => glob(wanted, actual),
  ArnNotEquals: (actual, wanted) => !glob(wanted, actual),
  ArnNotLike: (actual, wanted) => !glob(wanted, actual),
  Bool: (actual, wanted) => actual === wanted,
  IpAddress: inRange,
  NotIpAddress: (actual, wanted) => !inRange(actual, wanted),
  DateEquals: (actual, wanted) => Date.parse(actual) === Date.parse(wanted),
  DateNotEquals: (actual, wanted) => Date.parse(actual) !== Date.parse(wanted),
  DateLessThan: (actual, wanted) => Date.parse(actual) < Date.parse(wanted),
  DateLessThanEquals: (actual, wanted) => Date.parse(actual) <= Date.parse(wanted),
  DateGreaterThan: (actual, wanted) => Date.parse(actual) > Date.parse(wanted),
  DateGreaterThanEquals: (actual, wanted) => Date.parse(actual) >= Date.parse(wanted),
}

/** IPv4 alone: an address and a range such as 203.0.113.0/24. */
function inRange(actual: string, wanted: string): boolean {
  const [address = '', bits = '32'] = wanted.split('/')
  const number = (text: string) => text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  const size = 2 ** (32 - Number(bits))
  return Math.floor(number(actual) / size) === Math.floor(number(address) / size)
}

/** Table of what beginnings match: row by pattern character, no backtracking. */
function glob(pattern: string, text: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === text
  let reached = [true, ...Array.from(text, () => false)]
  for (const char of pattern) {
    const next = reached.map(() => false)
    for (let at = 0; at < next.length; at += 1) {
      if (char === '*') next[at] = (reached[at] ?? false) || (at > 0 && (next[at - 1] ?? false))
      else if (at > 0) next[at] = (reached[at - 1] ?? false) && (char === '?' || char === text[at - 1])
    }
    if (!next.includes(true)) return false
    reached = next
  }
  return reached.at(-1) ?? false
}

function list<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value : [value as T]
}
