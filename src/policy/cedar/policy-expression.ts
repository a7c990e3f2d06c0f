import type { Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'

/** An expression of Cedar's JSON policy format, opened up: what it does and to what. */
export interface Opened {
  readonly operator: string
  /** The operands in the order in which Cedar evaluates them. */
  readonly operands: readonly Expr[]
  /** For operators that take more than operands: `attr`, `pattern`, a literal's value, a variable's name. */
  readonly payload: unknown
}

const OPERAND_KEYS = ['if', 'then', 'else', 'left', 'right', 'arg', 'in'] as const

/** @see https://docs.cedarpolicy.com/policies/json-format.html */
export function openExpression(expression: Expr): Opened {
  const [operator = '', payload] = Object.entries(expression)[0] ?? []
  if (operator === 'Value' || operator === 'Var' || operator === 'Slot') return { operator, operands: [], payload }
  if (Array.isArray(payload)) return { operator, operands: payload as Expr[], payload }
  const fields = payload as Record<string, Expr>
  if (operator === 'Record') return { operator, operands: Object.values(fields), payload }
  const operands = OPERAND_KEYS.filter((key) => key in fields).map((key) => fields[key] as Expr)
  return { operator, operands, payload }
}

/** The attribute's name if the expression is `<variable>.<attribute>`. */
export function accessedAttribute(expression: Expr, variable: string): string | undefined {
  const { operator, operands, payload } = openExpression(expression)
  if (operator !== '.' || !operands[0] || !isVariable(operands[0], variable)) return undefined
  return (payload as { attr: string }).attr
}

/** The text if the expression is a string literal. */
export function stringLiteral(expression: Expr | undefined): string | undefined {
  if (!expression) return undefined
  const { operator, payload } = openExpression(expression)
  return operator === 'Value' && typeof payload === 'string' ? payload : undefined
}

/** True if the expression is this variable itself. */
export function isVariable(expression: Expr, variable: string): boolean {
  const { operator, payload } = openExpression(expression)
  return operator === 'Var' && payload === variable
}

/** The variables whose attributes a request fills in. */
const VARIABLES = ['principal', 'resource', 'context'] as const

/** By variable, the attributes that policies look at; `*` where a policy uses the variable as a whole. */
export type Reads = Readonly<Record<(typeof VARIABLES)[number], ReadonlySet<string>>>

/** Collects every attribute that any of the policies can look at; no other can bear on what they say. */
export function collectReads(policies: readonly PolicyJson[]): Reads {
  const reads = { principal: new Set<string>(), resource: new Set<string>(), context: new Set<string>() }
  for (const policy of policies) {
    if (policy.resource.op !== 'All') reads.resource.add('*')
    for (const clause of policy.conditions) collect(clause.body, reads)
  }
  return reads
}

/** The attributes among `attributes` that are read. */
export function keepRead<T>(attributes: Readonly<Record<string, T>>, reads: ReadonlySet<string>): Record<string, T> {
  if (reads.has('*')) return { ...attributes }
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => reads.has(name)))
}

function collect(expression: Expr, reads: Record<(typeof VARIABLES)[number], Set<string>>): void {
  const { operator, operands, payload } = openExpression(expression)
  for (const variable of VARIABLES) {
    if (operator === 'Var' && payload === variable) reads[variable].add('*')
    if ((operator !== '.' && operator !== 'has') || !operands[0] || !isVariable(operands[0], variable)) continue
    const { attr } = payload as { attr: string | string[] }
    reads[variable].add(Array.isArray(attr) ? (attr[0] ?? '*') : attr)
    return
  }
  for (const operand of operands) collect(operand, reads)
}
