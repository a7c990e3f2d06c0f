import { BlockList, isIP } from 'node:net'
import { expandVariables, globMatches, type RequestContext, toPattern } from './glob.ts'
import type { ConditionClause } from './policy-document.ts'

/** `undefined` means that this stage cannot tell: a Deny then applies and an Allow does not. */
export type Truth = boolean | undefined

/**
 * Decides one clause as IAM does: any value of the list suffices, for a negated operator none may match, an absent key
 * makes a positive operator false and a negated one true.
 *
 * @see IAM User Guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys"
 */
export function evaluateClause(clause: ConditionClause, context: RequestContext): Truth {
  const parsed = parseOperator(clause.operator)
  const key = clause.key.toLowerCase()
  if (parsed === undefined || !isKnownKey(key)) return undefined
  const { set, ifExists, operator } = parsed
  const present = presentValue(context, key)
  if (operator === 'null') return evaluateNull(clause.values, present !== undefined)
  const comparison = OPERATORS[operator]
  if (comparison === undefined) return undefined
  const { negated, matches } = comparison
  if (present === undefined) return ifExists || set === 'all' || (set === undefined && negated)
  const one = (actual: string): Truth => {
    const found = someTrue(clause.values.map((wanted) => matches(actual, wanted, context)))
    return found === undefined ? undefined : found !== negated
  }
  if (typeof present === 'string') return one(present)
  if (set === 'all') return everyTrue(present.map(one))
  return set === 'any' ? someTrue(present.map(one)) : undefined
}

/** A key without any value is as absent as one that is not there. */
function presentValue(context: RequestContext, key: string): string | readonly string[] | undefined {
  const value = context.get(key)
  return Array.isArray(value) && value.length === 0 ? undefined : value
}

/**
 * True for the keys that the practice cloud fills in, or leaves out on purpose since its services have no such thing. All
 * others are unknown to it.
 */
function isKnownKey(lowerCaseKey: string): boolean {
  return KNOWN_KEYS.has(lowerCaseKey) || KNOWN_FAMILIES.some((family) => lowerCaseKey.startsWith(family))
}

function parseOperator(text: string) {
  const match = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/i.exec(text)
  const operator = match?.[2]?.toLowerCase()
  if (match === null || operator === undefined) return undefined
  const prefix = match[1]?.toLowerCase()
  const set = prefix === undefined ? undefined : prefix === 'forallvalues' ? ('all' as const) : ('any' as const)
  return { set, ifExists: match[3] !== undefined, operator }
}

function evaluateNull(values: readonly string[], present: boolean): Truth {
  return someTrue(values.map((value) => (value === 'true' ? !present : value === 'false' ? present : undefined)))
}

function someTrue(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true
  return truths.includes(undefined) ? undefined : false
}

function everyTrue(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false
  return truths.includes(undefined) ? undefined : true
}

type Matcher = (actual: string, wanted: string, context: RequestContext) => Truth

function text(compare: (actual: string, wanted: string) => boolean): Matcher {
  return (actual, wanted, context) => {
    const expanded = expandVariables(wanted, context)
    return expanded === undefined ? undefined : compare(actual, expanded)
  }
}

const like: Matcher = (actual, wanted, context) => {
  const pattern = toPattern(wanted, context)
  return pattern === undefined ? undefined : globMatches(pattern, actual)
}

function instants(compare: (actual: number, wanted: number) => boolean): Matcher {
  return (actual, wanted) => compared(instantMs(actual), instantMs(wanted), compare)
}

function numbers(compare: (actual: number, wanted: number) => boolean): Matcher {
  return (actual, wanted) => compared(Number(actual), Number(wanted), compare)
}

/** Addresses and ranges; false, never undefined, for a range of the other kind of address. */
const inRange: Matcher = (actual, wanted) => {
  const [address = '', bits] = wanted.split('/')
  const family = isIP(address)
  if (family === 0 || isIP(actual) === 0) return undefined
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  if (bits === undefined) list.addAddress(address, kind)
  else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
    list.addSubnet(address, Number(bits), kind)
  else return undefined
  return isIP(actual) === family && list.check(actual, kind)
}

function compared(actual: number, wanted: number, compare: (a: number, b: number) => boolean): Truth {
  return Number.isFinite(actual) && Number.isFinite(wanted) ? compare(actual, wanted) : undefined
}

/** W3C date or epoch seconds; NaN for anything else. */
function instantMs(value: string): number {
  if (/^\d{1,12}$/.test(value)) return Number(value) * 1000
  return /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(value)
    ? Date.parse(value)
    : Number.NaN
}

const equals = text((a, b) => a === b)
const equalsIgnoreCase = text((a, b) => a.toLowerCase() === b.toLowerCase())
const sameInstant = instants((a, b) => a === b)
const sameNumber = numbers((a, b) => a === b)

const OPERATORS: Readonly<Record<string, { readonly negated: boolean; readonly matches: Matcher }>> = {
  stringequals: { negated: false, matches: equals },
  stringnotequals: { negated: true, matches: equals },
  stringequalsignorecase: { negated: false, matches: equalsIgnoreCase },
  stringnotequalsignorecase: { negated: true, matches: equalsIgnoreCase },
  stringlike: { negated: false, matches: like },
  stringnotlike: { negated: true, matches: like },
  arnequals: { negated: false, matches: like },
  arnlike: { negated: false, matches: like },
  arnnotequals: { negated: true, matches: like },
  arnnotlike: { negated: true, matches: like },
  ipaddress: { negated: false, matches: inRange },
  notipaddress: { negated: true, matches: inRange },
  bool: { negated: false, matches: equalsIgnoreCase },
  dateequals: { negated: false, matches: sameInstant },
  datenotequals: { negated: true, matches: sameInstant },
  datelessthan: { negated: false, matches: instants((a, b) => a < b) },
  datelessthanequals: { negated: false, matches: instants((a, b) => a <= b) },
  dategreaterthan: { negated: false, matches: instants((a, b) => a > b) },
  dategreaterthanequals: { negated: false, matches: instants((a, b) => a >= b) },
  numericequals: { negated: false, matches: sameNumber },
  numericnotequals: { negated: true, matches: sameNumber },
  numericlessthan: { negated: false, matches: numbers((a, b) => a < b) },
  numericlessthanequals: { negated: false, matches: numbers((a, b) => a <= b) },
  numericgreaterthan: { negated: false, matches: numbers((a, b) => a > b) },
  numericgreaterthanequals: { negated: false, matches: numbers((a, b) => a >= b) },
}

const KNOWN_KEYS = new Set([
  'aws:currenttime',
  'aws:epochtime',
  'aws:userid',
  'aws:username',
  'aws:principalarn',
  'aws:principalaccount',
  'aws:principaltype',
  'aws:viaawsservice',
  'aws:securetransport',
  'aws:tokenissuetime',
  'aws:sourceidentity',
  'aws:tagkeys',
  'aws:requestedregion',
  'sts:externalid',
  'sts:rolesessionname',
  'sts:sourceidentity',
  'sts:transitivetagkeys',
  's3:prefix',
  's3:delimiter',
  's3:max-keys',
  'aws:sourceip',
  'aws:sourcevpc',
  'kms:viaservice',
  'iam:passedtoservice',
  'ec2:instancetype',
  'ec2:createaction',
  'dynamodb:leadingkeys',
  'cloudwatch:namespace',
  'secretsmanager:versionstage',
  'bedrock:inferenceprofilearn',
  'route53:changeresourcerecordsetsnormalizedrecordnames',
  'route53:changeresourcerecordsetsrecordtypes',
  'route53:changeresourcerecordsetsactions',
])
const KNOWN_FAMILIES = ['aws:principaltag/', 'aws:requesttag/', 'aws:resourcetag/', 'kms:encryptioncontext:']
