import { canonicalJson, type Json, sha256Hex } from '../../core/canonical-json.ts'
import type { PolicyDocument, PolicyStatement } from './policy-document.ts'

/** A policy with a name that a person finds it by: its ARN, or the name of an inline policy. */
export interface NamedDocument {
  readonly name: string
  readonly document: PolicyDocument
}

/** The policies of one role, as far as they were read. */
export interface RoleDocuments {
  readonly roleArn: string
  /** Inline and attached. */
  readonly identity: readonly NamedDocument[]
  /** Absent: the role has none, or it was not read. */
  readonly boundary?: NamedDocument
  /** ARNs of attached policies whose text is not there. */
  readonly unreadIdentity: readonly string[]
  /** ARN of a boundary whose text is not there. */
  readonly unreadBoundary?: string
  readonly readAt: Date
}

/** The policy of a resource, which can grant to a role of its account, or deny. */
export interface ResourcePolicy {
  /** ARN of the resource; what lies below it by `/` or `:` is meant too. */
  readonly resourceArn: string
  /** The account of the resource, if the ARN does not name it. */
  readonly accountId?: string
  readonly document: PolicyDocument
}

/**
 * Lower-case hex SHA-256 of what the documents say, whatever their order and when they were read. Statements that deny other
 * sessions alone, such as those of a deny list, do not count: a revocation must not change the plans of others.
 */
export function documentsDigest(
  { roleArn, identity, boundary, unreadIdentity, unreadBoundary }: RoleDocuments,
  resourcePolicies: readonly ResourcePolicy[],
  counts: (statement: PolicyStatement, document: PolicyDocument) => boolean,
): string {
  const texts = (document: PolicyDocument) =>
    document.statements
      .filter((statement) => counts(statement, document))
      .map(({ sid: _, ...statement }) =>
        canonicalJson({ ...statement, hasVariables: document.hasVariables } as unknown as Json),
      )
      .sort()
  return sha256Hex(
    canonicalJson({
      roleArn,
      identity: identity.flatMap(({ document }) => texts(document)).sort(),
      boundary: boundary ? texts(boundary.document) : null,
      unreadIdentity: [...unreadIdentity].sort(),
      unreadBoundary: unreadBoundary ?? null,
      resourcePolicies: resourcePolicies
        .map(({ resourceArn, accountId = '', document }) => ({ resourceArn, accountId, statements: texts(document) }))
        .sort((a, b) => (a.resourceArn < b.resourceArn ? -1 : 1)),
    }),
  )
}
