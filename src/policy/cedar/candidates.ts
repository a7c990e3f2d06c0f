import type { EntityUidJson, Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { ActionClass } from '../../aws/action-classes.ts'
import { accessedAttribute, openExpression, stringLiteral } from './policy-expression.ts'

/** The part of a request that decides which policies can bear on it at all. */
export interface RequestShape {
  readonly class: ActionClass
  readonly subject: string
  readonly team: string
  readonly within: readonly string[]
  readonly touches: readonly string[]
}

/** Conditions without which a policy can neither apply nor fail; undefined where it can apply to anything. */
export interface Reach {
  readonly classes?: ReadonlySet<string>
  readonly team?: string
  readonly subject?: string
  readonly label?: { readonly attribute: 'within' | 'touches'; readonly value: string }
}

/**
 * Works out what a policy can apply to, from its scope and from the condition that Cedar evaluates first.
 *
 * Sound because Cedar evaluates scope, then conditions in their order, and stops at the first that is false: a
 * policy outside its reach can neither apply nor fail. Only the very first condition counts, since one before it
 * could fail. What is not understood restricts nothing.
 *
 * @see https://docs.cedarpolicy.com/policies/syntax-operators.html (short-circuiting of &&)
 */
export function findReach(policy: PolicyJson): Reach {
  const label = leadingLabel(policy)
  return { ...principalReach(policy), ...actionReach(policy), ...(label && { label }) }
}

/** False only if the policy certainly neither applies nor fails for any resource of this agent and class. */
export function reachesAgent(reach: Reach, request: Pick<RequestShape, 'class' | 'team' | 'subject'>): boolean {
  if (reach.classes && !reach.classes.has(request.class)) return false
  if (reach.team !== undefined && reach.team !== request.team) return false
  return reach.subject === undefined || reach.subject === request.subject
}

/** False only if the policy certainly neither applies nor fails for a resource with these labels. */
export function reachesLabels({ label }: Reach, request: Pick<RequestShape, 'within' | 'touches'>): boolean {
  return !label || request[label.attribute].includes(label.value)
}

function actionReach({ action }: PolicyJson): Pick<Reach, 'classes'> {
  if (action.op === 'All') return {}
  const entities = 'entities' in action ? action.entities : 'entity' in action ? [action.entity] : []
  const uids = entities.map(plainUid)
  if (uids.length === 0 || uids.some(({ type }) => type !== 'Stint::Action')) return {}
  return { classes: new Set(uids.map(({ id }) => id)) }
}

function principalReach({ principal }: PolicyJson): Pick<Reach, 'team' | 'subject'> {
  const entity = 'entity' in principal ? principal.entity : 'in' in principal ? toEntity(principal.in) : undefined
  if (!entity) return {}
  const { type, id } = plainUid(entity)
  if (type === 'Stint::Agent') return { subject: id }
  // `==` with a team can never hold, and `in` holds for its agents: the team is right, or safe, for both.
  return type === 'Stint::Team' ? { team: id } : {}
}

function toEntity(constraint: object | undefined): EntityUidJson | undefined {
  return constraint && 'entity' in constraint ? (constraint.entity as EntityUidJson) : undefined
}

function plainUid(uid: EntityUidJson): { type: string; id: string } {
  return '__entity' in uid ? uid.__entity : uid
}

function leadingLabel({ conditions }: PolicyJson): Reach['label'] {
  const first = conditions[0]
  if (first?.kind !== 'when') return undefined
  const { operator, operands } = openExpression(leftmost(first.body))
  const [set, element] = operands
  if (operator !== 'contains' || !set) return undefined
  const attribute = accessedAttribute(set, 'resource')
  const value = stringLiteral(element)
  return (attribute === 'within' || attribute === 'touches') && value !== undefined ? { attribute, value } : undefined
}

function leftmost(expression: Expr): Expr {
  const { operator, operands } = openExpression(expression)
  return operator === '&&' && operands[0] ? leftmost(operands[0]) : expression
}
