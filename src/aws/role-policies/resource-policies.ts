import type { TableAction } from '../action-table.ts'
import { arnAccount } from '../arn.ts'
import type { PatternList, PolicyStatement } from './policy-document.ts'
import { mayMeet, type PolicyResource, readPolicyResource, surelyCovers } from './policy-resource.ts'
import type { Target } from './reach-piece.ts'
import type { ResourcePolicy } from './role-documents.ts'
import { type IndexedStatement, prepareStatements, StatementIndex } from './statement-index.ts'

/** The role that principals are compared with. */
interface JudgedRole {
  readonly roleArn: string
  readonly accountId: string
}

interface KnownPolicy {
  readonly resource: PolicyResource
  /** The resource and all that lies below it. */
  readonly meant: readonly PolicyResource[]
  readonly isForeign: boolean
  readonly index: StatementIndex
}

/** The statements of resource policies that are about a question. */
export interface ResourceVerdict {
  /** Allow and Deny. */
  readonly statements: readonly IndexedStatement[]
  /** Allows that need no allow of an identity policy: they name the role, and the resource is in its account. */
  readonly grants: readonly IndexedStatement[]
  /** True if the policy of all that is asked for is known, and it lets the role in. */
  readonly isKnown: boolean
  /** The policy of another account's resource that does not surely let the role in. */
  readonly missing?: string
}

/** Resource policies that were supplied, as far as they are about one role. */
export class ResourcePolicies {
  readonly #known: readonly KnownPolicy[]

  constructor(policies: readonly ResourcePolicy[], role: JudgedRole) {
    this.#known = policies.map((policy) => prepare(policy, role))
  }

  /** @param action in lower case */
  about({ service }: TableAction, action: string, { resource, types }: Target): ResourceVerdict {
    const near =
      types.length === 0 ? [] : this.#known.filter(({ meant }) => meant.some((one) => mayMeet(one, resource)))
    const statements = near.flatMap(({ index }) => index.about(service, action))
    const own = near.filter(({ isForeign }) => !isForeign)
    const grants = own.flatMap(({ index }) => index.about(service, action)).filter(({ effect }) => effect === 'Allow')
    const isKnown = near.some(
      ({ meant, index }) =>
        meant.some((one) => surelyCovers(one, resource)) &&
        index
          .about(service, action)
          .some(
            ({ effect, conditions, resources }) =>
              effect === 'Allow' &&
              conditions.length === 0 &&
              !resources.negated &&
              resources.patterns.some((pattern) => surelyCovers(pattern, resource)),
          ),
    )
    const foreign = isKnown ? undefined : near.find(({ isForeign }) => isForeign)
    return { statements, grants, isKnown, ...(foreign && { missing: `policy of ${foreign.resource.text}` }) }
  }
}

function prepare({ resourceArn, accountId, document }: ResourcePolicy, role: JudgedRole): KnownPolicy {
  const owner = accountId || arnAccount(resourceArn)
  const meant = [resourceArn, `${resourceArn}/*`, `${resourceArn}:*`].map((text) => readPolicyResource(text))
  const statements = document.statements.filter(({ principal, effect }) => isNamed(principal, effect, role))
  const kept = { ...document, statements: statements.map((statement) => within(statement, resourceArn)) }
  return {
    resource: readPolicyResource(resourceArn),
    meant,
    isForeign: owner !== '' && owner !== role.accountId,
    index: new StatementIndex(prepareStatements(`policy of ${resourceArn}`, kept, () => undefined)),
  }
}

/** True if a statement's principals are the role: itself, everybody, or for a Deny and in other accounts its account. */
function isNamed(
  principal: PatternList | undefined,
  effect: 'Allow' | 'Deny',
  { roleArn, accountId }: JudgedRole,
): boolean {
  if (!principal) return false
  const { negated, patterns } = principal
  const names = (texts: readonly string[]) => patterns.some((pattern) => texts.includes(pattern))
  const account = [accountId, `arn:aws:iam::${accountId}:root`]
  if (effect === 'Deny') return names(['*', roleArn, ...account]) !== negated
  // An account as principal delegates to its policies: it grants nothing by itself.
  return negated ? !names(['*', roleArn, ...account]) : names(['*', roleArn])
}

/** A policy is about its own resource only, whatever else its patterns would match. */
function within(statement: PolicyStatement, resourceArn: string): PolicyStatement {
  const { resource } = statement
  const isStar = !resource || (!resource.negated && resource.patterns.every((pattern) => /^\*+$/.test(pattern)))
  if (!isStar) return statement
  return { ...statement, resource: { negated: false, patterns: [resourceArn, `${resourceArn}/*`, `${resourceArn}:*`] } }
}
