import type { Expr, PatternElem, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { accessedAttribute, openExpression } from './policy-expression.ts'

/**
 * Finds patterns of `like` whose last `*` follows a letter or a digit: `…:::prod*` also matches `prod-copy` and `production`.
 * Patterns of actions, such as `s3:Get*`, are left out, since that is how actions are named.
 */
export function openPatterns({ conditions }: PolicyJson): string[] {
  const found: string[] = []
  const visit = (expression: Expr) => {
    const { operator, operands, payload } = openExpression(expression)
    const isAction = operands.some((operand) => accessedAttribute(operand, 'context') === 'action')
    if (operator === 'like' && !isAction) found.push(...openPattern((payload as { pattern: PatternElem[] }).pattern))
    operands.forEach(visit)
  }
  for (const { body } of conditions) visit(body)
  return [...new Set(found)]
}

function openPattern(pattern: readonly PatternElem[]): string[] {
  const text = pattern.map((element) => (element === 'Wildcard' ? '*' : element.Literal)).join('')
  return pattern.at(-1) === 'Wildcard' && /[\p{L}\p{N}]\*$/u.test(text) ? [text] : []
}
