import { StintError } from '../../core/errors.ts'
import { printable } from '../../core/text/printable.ts'

/** One condition of a statement, e.g. StringEquals on aws:SourceIdentity. The clauses of a statement must all hold. */
export interface ConditionClause {
  /** As written, e.g. `ForAllValues:StringLikeIfExists`. */
  readonly operator: string
  /** As written; IAM ignores its case. */
  readonly key: string
  readonly values: readonly string[]
}

/** A list of patterns; negated stands for NotAction, NotResource and NotPrincipal. */
export interface PatternList {
  readonly negated: boolean
  readonly patterns: readonly string[]
}

/** A statement whose single texts have become lists. */
export interface PolicyStatement {
  /** '' if it has none. */
  readonly sid: string
  readonly effect: 'Allow' | 'Deny'
  readonly action: PatternList
  /** Absent in a policy of a role's trust. */
  readonly resource?: PatternList
  /** AWS principals, `*` among them; absent in an identity policy. */
  readonly principal?: PatternList
  readonly conditions: readonly ConditionClause[]
}

/** An IAM policy, parsed. */
export interface PolicyDocument {
  readonly statements: readonly PolicyStatement[]
  /** False for the version of 2008, in which `${` is plain text. */
  readonly hasVariables: boolean
}

/** `identity`: identity policies and permissions boundaries. `resource`: has principals. `trust`: has principals, and no resource. */
export type PolicyKind = 'identity' | 'resource' | 'trust'

/** Statements of one document. IAM's own limit of characters keeps every document far below. */
const MAX_STATEMENTS = 2_000
const VERSIONS = ['2012-10-17', '2008-10-17']
const DOCUMENT_KEYS = ['Version', 'Id', 'Statement']
const STATEMENT_KEYS = [
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Principal',
  'NotPrincipal',
  'Condition',
]

/**
 * Reads an IAM policy: whatever IAM accepts is read, and an element that is not known is an error, never passed over, since
 * it could allow or deny something.
 *
 * @param value the parsed document, its JSON text, or that text in URL encoding, as IAM's API answers it.
 * @throws {StintError} ROLE_POLICIES_INVALID; the explanation completes a sentence that names the document.
 * @see IAM User Guide, "Grammar of the IAM JSON policy language"
 */
export function parsePolicyDocument(value: unknown, kind: PolicyKind): PolicyDocument {
  const document = asObject(typeof value === 'string' ? parseText(value) : value, 'must be a JSON object')
  checkKeys(document, DOCUMENT_KEYS, 'the document')
  const { Version: version, Statement: statement } = document
  if (version !== undefined && !VERSIONS.includes(version as string))
    throw invalid(`has the version ${shown(version)}; IAM knows ${VERSIONS.join(' and ')}`)
  if (statement === undefined) throw invalid('has no Statement')
  const list = Array.isArray(statement) ? statement : [statement]
  if (list.length > MAX_STATEMENTS) throw invalid(`has ${list.length} statements; the limit is ${MAX_STATEMENTS}`)
  return {
    statements: list.map((one, at) => readStatement(one, kind, `Statement[${at}]`)),
    hasVariables: version === '2012-10-17',
  }
}

function readStatement(value: unknown, kind: PolicyKind, at: string): PolicyStatement {
  const statement = asObject(value, `has a ${at} that is not an object`)
  checkKeys(statement, STATEMENT_KEYS, at)
  const { Effect: effect, Sid: sid = '' } = statement
  if (effect !== 'Allow' && effect !== 'Deny')
    throw invalid(`has the Effect ${shown(effect)} in ${at}; it must be Allow or Deny`)
  if (typeof sid !== 'string') throw invalid(`has a Sid in ${at} that is not a text`)
  const action = readEither(statement, 'Action', 'NotAction', at)
  if (!action) throw invalid(`has neither Action nor NotAction in ${at}`)
  const resource = readEither(statement, 'Resource', 'NotResource', at)
  if (!resource && kind !== 'trust') throw invalid(`has neither Resource nor NotResource in ${at}`)
  const principal = readPrincipal(statement, at)
  if ((principal === undefined) !== (kind === 'identity'))
    throw invalid(
      principal ? `names a Principal in ${at}; only the policy of a resource may` : `names no Principal in ${at}`,
    )
  return {
    sid,
    effect,
    action,
    ...(resource && { resource }),
    ...(principal && { principal }),
    conditions: readConditions(statement.Condition, at),
  }
}

function readEither(
  statement: Readonly<Record<string, unknown>>,
  plain: 'Action' | 'Resource',
  negation: 'NotAction' | 'NotResource',
  at: string,
): PatternList | undefined {
  const negated = statement[negation] !== undefined
  if (negated && statement[plain] !== undefined) throw invalid(`has both ${plain} and ${negation} in ${at}`)
  const given = statement[negated ? negation : plain]
  return given === undefined
    ? undefined
    : { negated, patterns: readTexts(given, `${negated ? negation : plain} in ${at}`) }
}

/** Only principals of kind AWS can be a role's session; the others are left out. */
function readPrincipal(
  { Principal: plain, NotPrincipal: negation }: Readonly<Record<string, unknown>>,
  at: string,
): PatternList | undefined {
  if (plain !== undefined && negation !== undefined) throw invalid(`has both Principal and NotPrincipal in ${at}`)
  const given = plain ?? negation
  if (given === undefined) return undefined
  const negated = plain === undefined
  if (given === '*') return { negated, patterns: ['*'] }
  const { AWS: aws = [] } = asObject(given, `has a Principal in ${at} that is neither * nor an object`)
  return { negated, patterns: readTexts(aws, `the principals in ${at}`) }
}

function readConditions(value: unknown, at: string): readonly ConditionClause[] {
  if (value === undefined) return []
  return Object.entries(asObject(value, `has a Condition in ${at} that is not an object`)).flatMap(([operator, keys]) =>
    Object.entries(asObject(keys, `has a ${printable(operator)} in ${at} that is not an object`)).map(
      ([key, wanted]) => ({
        operator,
        key,
        values: readTexts(wanted, `${printable(operator)} of ${printable(key)} in ${at}`),
      }),
    ),
  )
}

/** IAM takes numbers and booleans where it takes text. */
function readTexts(value: unknown, what: string): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map((one: unknown) => {
    if (typeof one === 'string') return one
    if (typeof one === 'boolean' || typeof one === 'number') return String(one)
    throw invalid(`has a value that is not a text in ${what}`)
  })
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text.trimStart().startsWith('%') ? decodeURIComponent(text) : text)
  } catch {
    throw invalid('is not JSON')
  }
}

function asObject(value: unknown, message: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(message)
  return value as Readonly<Record<string, unknown>>
}

function checkKeys(value: object, known: readonly string[], where: string): void {
  const other = Object.keys(value).find((key) => !known.includes(key))
  if (other !== undefined) throw invalid(`has the unknown element ${printable(other)} in ${where}`)
}

function shown(value: unknown): string {
  return printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined'))
}

function invalid(explanation: string): StintError {
  return new StintError('ROLE_POLICIES_INVALID', { explanation })
}
