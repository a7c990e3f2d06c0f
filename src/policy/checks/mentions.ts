import type { EntityUidJson, Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { accessedAttribute, openExpression, stringLiteral } from '../cedar/policy-expression.ts'
import type { Policy } from '../policy.ts'

/** The kinds of names in policies. */
export type NameKind =
  | 'label'
  | 'team'
  | 'agent'
  | 'owner'
  | 'registration'
  | 'trustDomain'
  | 'role'
  | 'group'
  | 'action'
  | 'flag'
  | 'authMethod'
  | 'conditionKey'

/** A name in a policy; misspelt, it would change what the policy does. */
export interface Mention {
  readonly kind: NameKind
  readonly name: string
}

/** The group of every approver. No group can have this name. */
export const ANYONE = 'any'

/** Finds every name that a policy compares something with, without repeats. Patterns of `like` are no names. */
export function findMentions({ json, approvalBy = [] }: Policy): Mention[] {
  const found: Mention[] = approvalBy.flatMap(({ group }) => (group === ANYONE ? [] : [{ kind: 'group', name: group }]))
  found.push(...scopeEntities(json).flatMap(entityMention))
  for (const { body } of json.conditions) collect(body, found)
  return [...new Map(found.map((mention) => [`${mention.kind} ${mention.name}`, mention])).values()]
}

/** The labels that a policy compares `resource.within` with. */
export function labelsWithin({ json }: Policy): string[] {
  const found: string[] = []
  const visit = (expression: Expr) => {
    const { operands } = openExpression(expression)
    if (operands.some((operand) => accessedAttribute(operand, 'resource') === 'within'))
      found.push(...operands.flatMap(literals))
    operands.forEach(visit)
  }
  for (const { kind, body } of json.conditions) if (kind === 'when') visit(body)
  return [...new Set(found)]
}

const ENTITY_KINDS: Readonly<Record<string, NameKind>> = { 'Stint::Team': 'team', 'Stint::Agent': 'agent' }

const ATTRIBUTE_KINDS: Readonly<Record<'principal' | 'resource' | 'context', Readonly<Record<string, NameKind>>>> = {
  principal: {
    subject: 'agent',
    team: 'team',
    owner: 'owner',
    registration: 'registration',
    trustDomain: 'trustDomain',
  },
  resource: { within: 'label', touches: 'label' },
  context: { roleArn: 'role', action: 'action', flags: 'flag', authMethod: 'authMethod' },
}

const COMPARING = ['==', '!=', 'contains', 'containsAny', 'containsAll']

function collect(expression: Expr, found: Mention[]): void {
  const { operator, operands, payload } = openExpression(expression)
  if (operator === 'Value') found.push(...entityMention(payload))
  if (COMPARING.includes(operator)) {
    const kind = operands.map(findKind).find((each) => each !== undefined)
    if (kind) found.push(...operands.flatMap(literals).map((name) => ({ kind, name })))
  }
  // The only entities with tags are the conditions of a pair.
  if (operator === 'hasTag' || operator === 'getTag')
    found.push(
      ...operands
        .slice(1)
        .flatMap(literals)
        .map((name) => ({ kind: 'conditionKey' as const, name })),
    )
  for (const operand of operands) collect(operand, found)
}

/** The kind of name that an attribute holds, or a set of attributes. */
function findKind(expression: Expr): NameKind | undefined {
  for (const variable of ['principal', 'resource', 'context'] as const) {
    const attribute = accessedAttribute(expression, variable)
    if (attribute !== undefined) return ATTRIBUTE_KINDS[variable][attribute]
  }
  const { operator, operands } = openExpression(expression)
  return operator === 'Set' ? operands.map(findKind).find((kind) => kind !== undefined) : undefined
}

/** The texts that an operand compares with: itself, or the members of a set. */
function literals(expression: Expr): string[] {
  const own = stringLiteral(expression)
  if (own !== undefined) return [own]
  const { operator, operands } = openExpression(expression)
  return operator === 'Set' ? operands.flatMap((member) => stringLiteral(member) ?? []) : []
}

function scopeEntities({ principal }: PolicyJson): unknown[] {
  const entity = 'entity' in principal ? principal.entity : undefined
  const within = 'in' in principal ? (principal.in as { entity?: EntityUidJson } | undefined)?.entity : undefined
  return [entity, within].filter((each) => each !== undefined)
}

function entityMention(value: unknown): Mention[] {
  if (typeof value !== 'object' || value === null) return []
  const { type, id } = ('__entity' in value ? value.__entity : value) as { type?: string; id?: string }
  const kind = type === undefined ? undefined : ENTITY_KINDS[type]
  return kind && id !== undefined ? [{ kind, name: id }] : []
}
