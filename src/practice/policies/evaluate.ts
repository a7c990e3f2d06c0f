import { evaluateClause, type Truth } from './conditions.ts'
import type { RequestContext } from './glob.ts'
import { globMatches, toPattern } from './glob.ts'
import type { PolicyDocument, Statement } from './policy-document.ts'

/** One action on one resource, with all that conditions may ask about it. */
export interface AccessRequest {
  /** e.g. `s3:GetObject` */
  readonly action: string
  readonly resource: string
  readonly context: RequestContext
}

/** The policies that apply to a caller. An absent layer does not limit; a present one that is empty allows nothing. */
export interface PolicyLayers {
  readonly identity: readonly PolicyDocument[]
  readonly boundary?: readonly PolicyDocument[]
  readonly session?: readonly PolicyDocument[]
}

/** `because` is the tail of AWS's own sentence, e.g. `because no session policy allows the s3:GetObject action`. */
export type Verdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false
      readonly layer: keyof PolicyLayers | 'resource' | 'credentials'
      readonly explicit: boolean
      readonly because: string
    }

/**
 * Identity policies AND permissions boundary AND session policies; an explicit Deny anywhere wins. What this stage
 * cannot decide (an operator or key that it does not know) makes a Deny apply and an Allow not.
 *
 * Resource-based policies, SCPs and RCPs are not played here.
 *
 * @see IAM User Guide, "Policy evaluation logic"
 */
export function evaluate(layers: PolicyLayers, request: AccessRequest): Verdict {
  for (const layer of LAYERS)
    if (anyStatement(layers[layer], 'Deny', request))
      return {
        allowed: false,
        layer,
        explicit: true,
        because: `with an explicit deny in ${ARTICLES[layer]} ${NAMES[layer]}`,
      }
  for (const layer of LAYERS)
    if (layers[layer] !== undefined && !anyStatement(layers[layer], 'Allow', request))
      return {
        allowed: false,
        layer,
        explicit: false,
        because: `because no ${NAMES[layer]} allows the ${request.action} action`,
      }
  return { allowed: true }
}

/**
 * Asks a role's trust policy about a caller.
 *
 * @param callers every name the trust policy may use for the caller itself: its ARN, its role's ARN.
 * @returns `delegated` if only the caller's account was named, so that the caller's own policies must allow as well.
 */
export function evaluateTrust(
  trust: PolicyDocument,
  callers: readonly string[],
  accountId: string,
  request: AccessRequest,
): 'explicit-deny' | 'direct' | 'delegated' | 'none' {
  const account = [accountId, `arn:aws:iam::${accountId}:root`]
  const names = (statement: Statement, candidates: readonly string[]) =>
    statement.principals?.some((principal) => candidates.includes(principal)) ?? false
  const anyone = ['*', ...callers, ...account]
  let outcome: 'none' | 'direct' | 'delegated' = 'none'
  for (const statement of trust.statements) {
    if (!names(statement, anyone)) continue
    const applies = statementApplies(statement, request)
    if (statement.effect === 'Deny' && applies !== false) return 'explicit-deny'
    if (statement.effect === 'Deny' || applies !== true) continue
    if (names(statement, ['*', ...callers])) outcome = 'direct'
    else if (outcome === 'none') outcome = 'delegated'
  }
  return outcome
}

function anyStatement(
  documents: readonly PolicyDocument[] | undefined,
  effect: 'Allow' | 'Deny',
  request: AccessRequest,
): boolean {
  const enough = (truth: Truth) => (effect === 'Deny' ? truth !== false : truth === true)
  return (documents ?? []).some((document) =>
    document.statements.some(
      (statement) => statement.effect === effect && enough(statementApplies(statement, request)),
    ),
  )
}

function statementApplies(statement: Statement, request: AccessRequest): Truth {
  const { action, resource } = statement
  const wanted = request.action.toLowerCase()
  let truth = negate(
    action.negated,
    anyMatch(
      action.patterns.map((pattern) => pattern.toLowerCase()),
      wanted,
      request.context,
    ),
  )
  if (truth === false) return false
  if (resource !== undefined) {
    const matched = negate(resource.negated, anyMatch(resource.patterns, request.resource, request.context))
    if (matched === false) return false
    truth &&= matched
  }
  for (const clause of statement.conditions) {
    const held = evaluateClause(clause, request.context)
    if (held === false) return false
    if (held === undefined) truth = undefined
  }
  return truth
}

function anyMatch(patterns: readonly string[], text: string, context: RequestContext): Truth {
  let unknown = false
  for (const pattern of patterns) {
    const prepared = toPattern(pattern, context)
    if (prepared === undefined) unknown = true
    else if (globMatches(prepared, text)) return true
  }
  return unknown ? undefined : false
}

function negate(negated: boolean, truth: Truth): Truth {
  return truth === undefined ? undefined : truth !== negated
}

const LAYERS = ['identity', 'boundary', 'session'] as const
const NAMES = {
  identity: 'identity-based policy',
  boundary: 'permissions boundary',
  session: 'session policy',
} as const
const ARTICLES = { identity: 'an', boundary: 'a', session: 'a' } as const
