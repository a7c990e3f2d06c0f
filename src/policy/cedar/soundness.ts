import type { Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { accessedAttribute, isVariable, openExpression, stringLiteral } from './policy-expression.ts'

/** A condition that a wider request slips past, since its resource is a pattern or it has fewer conditions. */
export interface UnsoundUse {
  readonly severity: 'error' | 'warning'
  readonly message: string
}

/**
 * Finds conditions on resources that a wide request slips past.
 *
 * A request names a pattern. The wider it is, the less often `within`, `arn`, `account`, `region` and `service` hold, and the
 * more often `touches` does. A wider request also has fewer conditions (`hasTag`), with more values (`getTag`). So a permit
 * must be harder to meet as the request widens, and a forbid easier. The reverse is an error in a forbid, which would not keep
 * its promise, and a warning in a permit, which another condition may still narrow.
 */
export function unsoundUses(policy: PolicyJson): UnsoundUse[] {
  const found = new Map<string, UnsoundUse>()
  const report = (attribute: string) =>
    found.set(attribute, {
      severity: policy.effect === 'forbid' ? 'error' : 'warning',
      message: explainUse(policy, attribute),
    })
  const visit = (expression: Expr, direction: Direction) => {
    for (const use of usesIn(expression, direction)) {
      const shrinks = !GROWING.includes(use.attribute)
      const wanted: Direction = (policy.effect === 'permit') === shrinks ? 'holds' : 'fails'
      if (use.direction !== wanted) report(use.attribute)
    }
  }
  if (policy.effect === 'forbid' && (policy.resource.op === '==' || policy.resource.op === 'in')) report('the resource')
  for (const clause of policy.conditions) visit(clause.body, clause.kind === 'when' ? 'holds' : 'fails')
  return [...found.values()]
}

/** The value of an expression that makes the policy apply: it holds or fails; `either` where it depends. */
type Direction = 'holds' | 'fails' | 'either'

interface Use {
  readonly attribute: string
  readonly direction: Direction
}

const PATTERN_ATTRIBUTES = ['within', 'touches', 'arn', 'account', 'region', 'service']
/** Attributes of which a wider request has more. */
const GROWING = ['touches', 'getTag']
const FLIP = { holds: 'fails', fails: 'holds', either: 'either' } as const

function usesIn(expression: Expr, direction: Direction): Use[] {
  const attribute = accessedAttribute(expression, 'resource')
  if (attribute !== undefined) return PATTERN_ATTRIBUTES.includes(attribute) ? [{ attribute, direction }] : []
  if (isVariable(expression, 'resource')) return [{ attribute: 'the resource', direction }]
  const { operator, operands } = openExpression(expression)
  if (operands[0] && isConditions(operands[0]) && (operator === 'hasTag' || operator === 'getTag'))
    return [{ attribute: operator, direction }]
  if (isConditions(expression)) return [{ attribute: 'conditions', direction: 'either' }]
  // `resource has arn` is always true and `resource is Stint::Resource` too: they say nothing about the pattern.
  if ((operator === 'has' || operator === 'is') && operands.some((operand) => isVariable(operand, 'resource')))
    return []
  return operands.flatMap((operand, index) => usesIn(operand, operandDirection(operator, operands, index, direction)))
}

function isConditions(expression: Expr): boolean {
  return accessedAttribute(expression, 'context') === 'conditions'
}

/** The value of an operand that gives the whole expression the value `direction`. */
function operandDirection(operator: string, operands: readonly Expr[], index: number, direction: Direction): Direction {
  switch (operator) {
    case 'contains':
    case 'containsAny':
      return opensSet(operands, direction) ?? direction
    case '&&':
    case '||':
    case 'like':
    case 'in':
    case 'Set':
      return direction
    case '!':
    case 'isEmpty':
      return FLIP[direction]
    case 'containsAll': // [..].containsAll(resource.within): the more labels, the less it holds
      return opensSet(operands, direction) ?? (index === 0 ? direction : FLIP[direction])
    case 'if-then-else':
      return index === 0 ? 'either' : direction
    case '==':
    case '!=': {
      if (!comparesText(operands)) return 'either'
      // Comparing with "" asks whether the part is open: that holds the more often the wider the request is.
      const open = operands.some((operand) => stringLiteral(operand) === '')
      return (operator === '==') === open ? FLIP[direction] : direction
    }
    default:
      return 'either'
  }
}

/**
 * The direction of a look-up of a text part of the resource in a set that contains "". The part is found if it is one of the
 * other texts, and also if the request leaves it open. Undefined for any other look-up.
 */
function opensSet(operands: readonly Expr[], direction: Direction): Direction | undefined {
  const isText = comparesText(operands) || operands.some((operand) => comparesText(setMembers(operand)))
  const texts = operands.flatMap(setMembers).flatMap((member) => stringLiteral(member) ?? [])
  if (!isText || !texts.includes('')) return undefined
  return texts.every((text) => text === '') ? FLIP[direction] : 'either'
}

function setMembers(expression: Expr): readonly Expr[] {
  const { operator, operands } = openExpression(expression)
  return operator === 'Set' ? operands : []
}

/** True if a text part of the resource, or the resource itself, is compared with something fixed. */
function comparesText(operands: readonly Expr[]): boolean {
  return operands.some((operand) => {
    const attribute = accessedAttribute(operand, 'resource')
    return isVariable(operand, 'resource') || (attribute !== undefined && !['within', 'touches'].includes(attribute))
  })
}

const CONDITION_USES = ['hasTag', 'getTag', 'conditions']

function explainConditions({ effect }: PolicyJson, attribute: string): string {
  const sound = '{ context.conditions.hasTag("…") && ["…"].containsAll(context.conditions.getTag("…")) }'
  if (effect === 'forbid')
    return `This forbid depends on a condition of the request; a wider request, without that condition, slips past. Use "unless ${sound}".`
  return attribute === 'getTag'
    ? `This permit also holds for wider requests, whose condition allows other values too. Use "when ${sound}".`
    : `This permit also holds for wider requests, without that condition. Use "when ${sound}".`
}

function explainUse(policy: PolicyJson, attribute: string): string {
  if (CONDITION_USES.includes(attribute)) return explainConditions(policy, attribute)
  const { effect } = policy
  const what = attribute === 'the resource' ? attribute : `resource.${attribute}`
  if (effect === 'forbid')
    return attribute === 'touches'
      ? 'This forbid stops only what touches no such label; a wide request touches it and slips past. Use "unless { resource.within.contains(…) }".'
      : `This forbid depends on ${what} being matched; a request for a wider pattern, such as *, slips past. Label the resources and use resource.touches.contains(…).`
  return attribute === 'touches'
    ? 'This permit holds for requests that merely touch a label; a request for a wider pattern, such as *, meets it too. Use resource.within.contains(…).'
    : `This permit holds where ${what} does not match; a request for a wider pattern, such as *, meets it too. Use "unless { resource.touches.contains(…) }".`
}
