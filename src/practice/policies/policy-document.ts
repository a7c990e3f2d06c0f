import { AwsFault } from '../wire/aws-fault.ts'

/** One condition of a statement, e.g. StringEquals, aws:SourceIdentity, ['a', 'b']. Clauses of a statement are ANDed. */
export interface ConditionClause {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
}

/** A statement whose single strings have become lists; `negated` stands for NotAction, NotResource. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  readonly action: { readonly negated: boolean; readonly patterns: readonly string[] }
  /** Absent in a trust policy, whose resource is the role itself. */
  readonly resource?: { readonly negated: boolean; readonly patterns: readonly string[] }
  /** AWS principals of a trust policy: ARNs, account ids or `*`. */
  readonly principals?: readonly string[]
  readonly conditions: readonly ConditionClause[]
}

/** A policy, parsed. */
export interface PolicyDocument {
  readonly statements: readonly Statement[]
}

/**
 * Parses an IAM policy strictly: an element that this stage does not know is an error, never ignored.
 *
 * @param kind a trust policy names principals and no resources; the other one the reverse.
 * @throws {AwsFault} MalformedPolicyDocument, HTTP 400.
 * @see IAM User Guide, "IAM JSON policy elements" and "Grammar of the IAM JSON policy language"
 */
export function parsePolicy(text: string, kind: 'permissions' | 'trust'): PolicyDocument {
  if (!ALLOWED_CHARACTERS.test(text)) throw malformed('The policy contains characters that are not allowed.')
  const document = record(parseJson(text), 'The policy must be a JSON object.')
  onlyKeys(document, DOCUMENT_KEYS)
  if (document.Version !== undefined && document.Version !== '2012-10-17' && document.Version !== '2008-10-17')
    throw malformed('The policy must contain a valid version string.')
  const list = Array.isArray(document.Statement) ? document.Statement : [document.Statement]
  if (list.length === 0) throw malformed('The policy must contain at least one statement.')
  const sids = new Set<string>()
  return { statements: list.map((entry) => parseStatement(entry, kind, sids)) }
}

function parseStatement(value: unknown, kind: 'permissions' | 'trust', sids: Set<string>): Statement {
  const statement = record(value, 'A statement must be a JSON object.')
  onlyKeys(statement, kind === 'trust' ? TRUST_KEYS : PERMISSION_KEYS)
  checkSid(statement.Sid, sids)
  const effect = statement.Effect
  if (effect !== 'Allow' && effect !== 'Deny') throw malformed('Effect must be Allow or Deny.')
  const action = parseEither(statement, 'Action', 'NotAction', ACTION)
  const conditions = parseConditions(statement.Condition)
  if (kind === 'permissions')
    return { effect, action, resource: parseEither(statement, 'Resource', 'NotResource', RESOURCE), conditions }
  return { effect, action, principals: parsePrincipals(statement.Principal), conditions }
}

function checkSid(sid: unknown, seen: Set<string>): void {
  if (sid === undefined) return
  if (typeof sid !== 'string' || !/^[A-Za-z0-9]*$/.test(sid))
    throw malformed('A statement id (Sid) may hold letters and digits only.')
  if (sid !== '' && seen.has(sid)) throw malformed('Statement ids (Sid) must be unique.')
  seen.add(sid)
}

function parseEither(statement: Record<string, unknown>, plain: string, not: string, shape: RegExp) {
  if ((statement[plain] === undefined) === (statement[not] === undefined))
    throw malformed(`A statement needs exactly one of ${plain} and ${not}.`)
  const negated = statement[plain] === undefined
  const patterns = strings(statement[negated ? not : plain], negated ? not : plain)
  if (patterns.length === 0) throw malformed(`${plain} must not be empty.`)
  for (const pattern of patterns) if (!shape.test(pattern)) throw malformed(`${plain} holds a value of the wrong form.`)
  return { negated, patterns }
}

function parsePrincipals(value: unknown): readonly string[] {
  if (value === '*') return ['*']
  const principal = record(value, 'A trust policy must name a Principal.')
  onlyKeys(principal, PRINCIPAL_KEYS)
  const named = Object.values(principal).flatMap((entry) => strings(entry, 'Principal'))
  if (named.length === 0) throw malformed('Principal must not be empty.')
  return principal.AWS === undefined ? [] : strings(principal.AWS, 'Principal')
}

function parseConditions(value: unknown): readonly ConditionClause[] {
  if (value === undefined) return []
  return Object.entries(record(value, 'Condition must be a JSON object.')).flatMap(([operator, keys]) =>
    Object.entries(record(keys, 'A condition operator must hold a JSON object.')).map(([key, wanted]) => ({
      operator,
      key,
      values: strings(wanted, `${operator} ${key}`),
    })),
  )
}

function strings(value: unknown, what: string): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map((entry: unknown) => {
    if (typeof entry === 'string') return entry
    if (typeof entry === 'boolean' || typeof entry === 'number') return String(entry)
    throw malformed(`${what} must hold strings.`)
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed('Syntax errors in policy.')
  }
}

function record(value: unknown, message: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(message)
  return value as Record<string, unknown>
}

function onlyKeys(value: Record<string, unknown>, allowed: ReadonlySet<string>): void {
  for (const key of Object.keys(value))
    if (!allowed.has(key)) throw malformed(`Unknown or misplaced element ${JSON.stringify(key)}.`)
}

function malformed(message: string): AwsFault {
  return new AwsFault('MalformedPolicyDocument', 400, message)
}

const ALLOWED_CHARACTERS = /^[\t\n\r\u0020-\u00ff]+$/
const DOCUMENT_KEYS = new Set(['Version', 'Id', 'Statement'])
const PERMISSION_KEYS = new Set(['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'])
const TRUST_KEYS = new Set(['Sid', 'Effect', 'Action', 'NotAction', 'Principal', 'Condition'])
const PRINCIPAL_KEYS = new Set(['AWS', 'Service', 'Federated'])
const ACTION = /^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$/
const RESOURCE = /^(\*|arn:[^:]+:[^:]*:[^:]*:[^:]*:.+)$/
