import { BoundedMap } from '../../core/limits/bounded-map.ts'
import type { TableAction } from '../action-table.ts'
import { parseRoleArn, splitArn } from '../arn.ts'
import { findAction } from '../classify.ts'
import type { Condition } from '../conditions/condition.ts'
import { judgeClause, judgeClauses, type Truth } from './judge-condition.ts'
import type { ConditionClause, PolicyDocument } from './policy-document.ts'
import { coversNoResource, mayMeet, type PolicyResource, readPolicyResource, surelyCovers } from './policy-resource.ts'
import { isWhole, mayHold, meetPieces, namePiece, type Piece, type Target, WHOLE } from './reach-piece.ts'
import { ResourcePolicies } from './resource-policies.ts'
import { documentsDigest, type ResourcePolicy, type RoleDocuments } from './role-documents.ts'
import { type FindFact, sessionFacts, withConditions } from './session-facts.ts'
import { type IndexedStatement, prepareStatements, StatementIndex } from './statement-index.ts'

/** An action on a resource pattern, under conditions that every request meets. */
export interface ReachQuestion {
  readonly action: string
  readonly resource: string
  readonly conditions?: readonly Condition[]
}

/** A condition of the role's policies that decides about a request. */
export interface DecidingCondition {
  readonly effect: 'Allow' | 'Deny'
  readonly key: string
  /** e.g. `aws:RequestedRegion StringEquals eu-west-1` */
  readonly text: string
  /** The statement, for operators. */
  readonly statement: string
}

/** Why a pair cannot work. */
export type NoReason = 'not_allowed' | 'boundary' | 'denied'

/**
 * What a session can do of a pair. `yes`: on every resource of the pattern. `no`: on none. `yes-if`: conditions decide, or a
 * part of the pattern is allowed.
 */
export type PairReach =
  | { readonly verdict: 'yes' }
  | {
      readonly verdict: 'no'
      readonly reason: NoReason
      /** The denying statement, for operators. */
      readonly statement?: string
    }
  | {
      readonly verdict: 'yes-if'
      /** The patterns that contain everything allowed; absent: the pair's own. */
      readonly within?: readonly string[]
      /** Parts that are not allowed. */
      readonly except?: readonly string[]
      readonly conditions?: readonly DecidingCondition[]
      /** Policies that were not read and can decide. */
      readonly unread?: readonly string[]
      /** True if there are more patterns or conditions than are listed. */
      readonly more?: true
    }

/** The reach of one role, by its policies. */
export interface RoleReach {
  /** See `documentsDigest`. */
  readonly digest: string
  /** Policies that were not read, by name. */
  readonly unread: readonly string[]
  /** @param subject the agent, for policies that name it by session tag. */
  judge(question: ReachQuestion, subject?: string): PairReach
}

/** The documents that a role's reach depends on. */
export interface RoleReachOptions {
  readonly documents: RoleDocuments
  readonly resourcePolicies?: readonly ResourcePolicy[]
  /** True for the policies that Stint writes itself: they allow everything and deny sessions that are over. */
  readonly isOwnPolicy?: (policyArn: string) => boolean
}

/** Patterns and conditions of one answer. */
const MAX_LISTED = 10
/** Agents of a role whose policies name the agent. */
const MAX_SUBJECTS = 200
const YES: PairReach = Object.freeze({ verdict: 'yes' })
const NOT_ALLOWED: PairReach = Object.freeze({ verdict: 'no', reason: 'not_allowed' })

/**
 * Prepares the policies of a role for questions. No file, clock or network: whoever reads the documents says when that was.
 *
 * Service and resource control policies, and resource policies that are not given, are not part of the answer.
 *
 * @see IAM User Guide, "Policy evaluation logic"
 */
export function createRoleReach({
  documents,
  resourcePolicies = [],
  isOwnPolicy = () => false,
}: RoleReachOptions): RoleReach {
  const { roleArn, unreadBoundary } = documents
  const { accountId = '' } = parseRoleArn(roleArn) ?? {}
  const session = { roleArn, accountId, readAtMs: documents.readAt.getTime() }
  const facts = sessionFacts(session)
  const own = resourcePolicies.length > 0 ? new ResourcePolicies(resourcePolicies, { roleArn, accountId }) : undefined
  const unreadIdentity = documents.unreadIdentity.filter((arn) => !isOwnPolicy(arn))
  const boundaryUnread = unreadBoundary !== undefined && !isOwnPolicy(unreadBoundary) ? unreadBoundary : undefined
  const bySubject = new BoundedMap<Judge>({ limit: MAX_SUBJECTS })
  const namesAgents = /principaltag\/stint:agent/i.test(JSON.stringify([documents.identity, documents.boundary]))
  const prepare = (find: FindFact) =>
    new Judge({ documents, find, accountId, unreadIdentity, boundaryUnread, resourcePolicies: own })
  const forAny = prepare(facts)
  return {
    digest: documentsDigest(documents, resourcePolicies, (statement, document) => mayApply(statement, document, facts)),
    unread: [...unreadIdentity, ...(boundaryUnread ? [boundaryUnread] : [])],
    judge(question, subject) {
      if (subject === undefined || !namesAgents) return forAny.judge(question)
      const known = bySubject.get(subject) ?? prepare(sessionFacts({ ...session, subject }))
      bySubject.set(subject, known)
      return known.judge(question)
    },
  }
}

/** False for a statement whose conditions no session that is yet to be minted can meet, such as those of a deny list. */
function mayApply(
  { conditions }: { conditions: readonly ConditionClause[] },
  { hasVariables }: PolicyDocument,
  facts: FindFact,
): boolean {
  return (
    conditions.length === 0 || judgeClauses(conditions, facts, hasVariables ? fillFrom(facts) : undefined) !== false
  )
}

function fillFrom(find: FindFact) {
  return (key: string) => {
    const fact = find(key)
    return fact?.kind === 'value' ? fact.value : undefined
  }
}

interface JudgeParts {
  readonly documents: RoleDocuments
  readonly find: FindFact
  readonly accountId: string
  readonly unreadIdentity: readonly string[]
  readonly boundaryUnread: string | undefined
  readonly resourcePolicies: ResourcePolicies | undefined
}

/** Answers for one session. */
class Judge {
  readonly #parts: JudgeParts
  readonly #identity: StatementIndex
  readonly #boundary: StatementIndex | undefined
  /** Truths of conditions where a pair has none of its own. */
  readonly #truths = new Map<IndexedStatement, Truth>()
  #target: PolicyResource | undefined

  constructor(parts: JudgeParts) {
    const { identity, boundary } = parts.documents
    const fill = fillFrom(parts.find)
    const index = (list: readonly { name: string; document: PolicyDocument }[]) =>
      new StatementIndex(
        list
          .flatMap(({ name, document }) => prepareStatements(name, document, fill))
          .filter((statement) => judgeClauses(statement.conditions, parts.find, statement.fill) !== false),
      )
    this.#parts = parts
    this.#identity = index(identity)
    this.#boundary = boundary && index([boundary])
  }

  judge({ action, resource, conditions = [] }: ReachQuestion): PairReach {
    const found = findAction(action)
    const lower = found.action.toLowerCase()
    const { resourcePolicies, unreadIdentity } = this.#parts
    const identity = this.#identity.about(found.service, lower)
    // Most actions are in no statement of a role: what follows would come to the same.
    if (identity.length === 0 && !resourcePolicies && unreadIdentity.length === 0) return NOT_ALLOWED
    const asked = this.#ask(found, resource, conditions)
    const boundary = this.#boundary?.about(found.service, lower)
    const theirs = resourcePolicies?.about(found, lower, asked.target)
    const all = [...identity, ...(boundary ?? []), ...(theirs?.statements ?? [])]
    const denies = all.filter(({ effect }) => effect === 'Deny')
    return this.#judgeLayers({ found, asked, identity, boundary, theirs, denies })
  }

  #ask({ resourceTypes }: TableAction, resource: string, conditions: readonly Condition[]): Asked {
    const facts = withConditions(this.#parts.find, conditions)
    return {
      target: { resource: this.#readTarget(resource), types: resourceTypes },
      truthOf: this.#truthFinder(facts, conditions.length === 0),
      isOpen: (clause, { fill }) => judgeClause(clause, facts, fill) === undefined,
    }
  }

  #judgeLayers({ found, asked, identity, boundary, theirs, denies }: Layers): PairReach {
    const { unreadIdentity, boundaryUnread } = this.#parts
    const allowed = allowPieces([...identity, ...(theirs?.grants ?? [])], asked)
    const mayBeUnread = unreadIdentity.length > 0
    if (allowed.length === 0 && !mayBeUnread) return NOT_ALLOWED
    const layers: { pieces: readonly Piece[]; reason: NoReason; statement?: string }[] = [
      // An attached policy that was not read may allow all of it.
      { pieces: mayBeUnread && !allowed.some(isWhole) ? [...allowed, UNREAD] : allowed, reason: 'not_allowed' },
    ]
    if (boundary) layers.push({ pieces: allowPieces(boundary, asked), reason: 'boundary' })
    for (const deny of denies.filter(({ resources }) => resources.negated)) {
      if (asked.truthOf(deny) === true)
        layers.push({ pieces: keptPieces(deny, asked), reason: 'denied', statement: deny.name })
    }
    let pieces: readonly Piece[] = [WHOLE]
    const capped = { value: false }
    for (const { pieces: own, reason, statement } of layers) {
      const met = meetPieces(pieces, own, asked.target)
      if (!met) capped.value = true
      else if (met.length === 0) return { verdict: 'no', reason, ...(statement && { statement }) }
      pieces = met ?? own
    }
    const cut = cutDenied(pieces, denies, asked)
    if (cut.pieces.length === 0) return { verdict: 'no', reason: 'denied', ...(cut.by && { statement: cut.by.name }) }
    const unread = [...unreadIdentity, ...(boundaryUnread ? [boundaryUnread] : [])]
    const foreign = theirs?.missing ?? this.#foreignOwner(found, asked.target, theirs?.isKnown === true)
    const isPlain = cut.pieces.some(isWhole) && cut.touching.length === 0 && !capped.value
    if (isPlain && unread.length === 0 && !foreign) return YES
    return describe({ ...cut, asked, unread: [...unread, ...(foreign ? [foreign] : [])], more: capped.value })
  }

  #truthFinder(facts: FindFact, isPlain: boolean): (statement: IndexedStatement) => Truth {
    const known = isPlain ? this.#truths : new Map<IndexedStatement, Truth>()
    return (statement) => {
      if (statement.conditions.length === 0) return true
      if (known.has(statement)) return known.get(statement)
      const truth = judgeClauses(statement.conditions, facts, statement.fill)
      known.set(statement, truth)
      return truth
    }
  }

  /** Plans ask for one resource many times, each time with another action. */
  #readTarget(text: string): PolicyResource {
    if (this.#target?.text !== text) this.#target = readPolicyResource(text)
    return this.#target
  }

  /** The policies that have to agree, since the pattern spells another account than the role's. */
  #foreignOwner({ resourceTypes }: TableAction, { resource }: Target, isKnown: boolean): string | undefined {
    const { account = '' } = splitArn(resource.text)
    if (isKnown || resourceTypes.length === 0 || !/^\d{12}$/.test(account) || account === this.#parts.accountId)
      return undefined
    return `resource policies of account ${account}`
  }
}

interface Layers {
  readonly found: TableAction
  readonly asked: Asked
  readonly identity: readonly IndexedStatement[]
  readonly boundary: readonly IndexedStatement[] | undefined
  readonly theirs: ReturnType<ResourcePolicies['about']> | undefined
  readonly denies: readonly IndexedStatement[]
}

interface Asked {
  readonly target: Target
  readonly truthOf: (statement: IndexedStatement) => Truth
  /** True for a clause that depends on the request. */
  readonly isOpen: (clause: ConditionClause, statement: IndexedStatement) => boolean
}

/** Allowed perhaps, by a policy that nobody has read. */
const UNREAD: Piece = { within: [], except: [], truth: undefined, decidedBy: [] }

/** The pieces that the Allow statements of one layer allow; one whole piece if they surely allow everything. */
function allowPieces(statements: readonly IndexedStatement[], asked: Asked): readonly Piece[] {
  const pieces: Piece[] = []
  for (const statement of statements) {
    if (statement.effect !== 'Allow') continue
    const truth = asked.truthOf(statement)
    if (truth === false) continue
    for (const piece of coveredPieces(statement, truth, asked.target)) {
      if (isWhole(piece)) return [WHOLE]
      pieces.push(piece)
    }
  }
  return pieces
}

/** The pieces of the target that a statement is about. */
function coveredPieces(statement: IndexedStatement, truth: Truth, target: Target): readonly Piece[] {
  const { negated, patterns } = statement.resources
  const decidedBy = truth === true ? [] : [statement]
  const whole: Piece = { within: [], except: [], truth, decidedBy }
  if (target.types.length === 0) return patterns.some(coversNoResource) !== negated ? [whole] : []
  if (negated) {
    const except = patterns.filter((pattern) => mayMeet(pattern, target.resource))
    if (except.length === 0) return [whole]
    const piece = { ...whole, except }
    return mayHold(piece, target) ? [piece] : []
  }
  if (patterns.some((pattern) => surelyCovers(pattern, target.resource))) return [whole]
  return patterns
    .map((pattern): Piece => ({ ...whole, within: [pattern], truth: pattern.exact ? truth : undefined }))
    .filter((piece) => mayHold(piece, target))
}

/** The pieces that a Deny with NotResource leaves. */
function keptPieces({ resources: { patterns } }: IndexedStatement, { target }: Asked): readonly Piece[] {
  if (target.types.length === 0) return patterns.some(coversNoResource) ? [WHOLE] : []
  if (patterns.some((pattern) => surelyCovers(pattern, target.resource))) return [WHOLE]
  const pieces = patterns.map(
    (pattern): Piece => ({ ...WHOLE, within: [pattern], truth: pattern.exact ? true : undefined }),
  )
  return pieces.filter((piece) => mayHold(piece, target))
}

interface Cut {
  readonly pieces: readonly Piece[]
  /** The denies that may apply to what is left. */
  readonly touching: readonly { readonly statement: IndexedStatement; readonly truth: Truth }[]
  /** The deny that took the last piece. */
  readonly by?: IndexedStatement
}

/** Takes away the pieces that a statement surely denies, and lists the denies that may apply to the others. */
function cutDenied(pieces: readonly Piece[], denies: readonly IndexedStatement[], asked: Asked): Cut {
  const { target } = asked
  let left = pieces
  const touching: { statement: IndexedStatement; truth: Truth }[] = []
  for (const statement of denies) {
    const truth = asked.truthOf(statement)
    // A sure Deny with NotResource has been a layer.
    if (truth === false || (truth === true && statement.resources.negated)) continue
    if (truth === true) {
      left = left.filter((piece) => !deniesAll(statement, piece, target))
      if (left.length === 0) return { pieces: [], touching: [], by: statement }
    }
    if (left.some((piece) => mayDeny(statement, piece, target))) touching.push({ statement, truth })
  }
  return { pieces: left, touching }
}

function deniesAll(
  { resources: { patterns } }: IndexedStatement,
  { within }: Piece,
  { resource, types }: Target,
): boolean {
  if (types.length === 0) return patterns.some(coversNoResource)
  return patterns.some((pattern) => [resource, ...within].some((one) => surelyCovers(pattern, one)))
}

function mayDeny(
  { resources: { negated, patterns } }: IndexedStatement,
  { within, except }: Piece,
  target: Target,
): boolean {
  if (target.types.length === 0) return patterns.some(coversNoResource) !== negated
  if (negated)
    return !patterns.some((pattern) => [target.resource, ...within].some((one) => surelyCovers(pattern, one)))
  return patterns.some((pattern) =>
    mayHold({ within: [...within, pattern], except, truth: undefined, decidedBy: [] }, target),
  )
}

interface Found extends Cut {
  readonly asked: Asked
  readonly unread: readonly string[]
  readonly more: boolean
}

function describe({ pieces, touching, asked, unread, more }: Found): PairReach {
  const { target } = asked
  // A piece that is surely allowed in full makes the other pieces idle.
  const shown = pieces.some(isWhole) ? [WHOLE] : pieces.filter((one) => one !== UNREAD || pieces.length === 1)
  const named = shown.flatMap((piece) => namePiece(piece, target))
  const within = shown.some((piece) => piece.within.length === 0) ? [] : unique(named)
  const except = unique([
    ...(shown.length === 1 ? shown.flatMap((piece) => piece.except.map(({ text }) => text)) : []),
    ...touching.flatMap(({ statement, truth }) => (truth === true ? deniedParts(statement, target) : [])),
  ])
  const deciding = [
    ...shown.flatMap(({ decidedBy }) => decidedBy),
    ...touching.flatMap(({ statement, truth }) => (truth === undefined ? [statement] : [])),
  ].flatMap((statement) => decidingConditions(statement, asked))
  const isMore = more || [within, except, deciding].some(({ length }) => length > MAX_LISTED)
  return {
    verdict: 'yes-if',
    ...(within.length > 0 && { within: within.slice(0, MAX_LISTED) }),
    ...(except.length > 0 && { except: except.slice(0, MAX_LISTED) }),
    ...(deciding.length > 0 && { conditions: deciding.slice(0, MAX_LISTED) }),
    ...(unread.length > 0 && { unread }),
    ...(isMore && { more: true }),
  }
}

function deniedParts({ resources: { patterns } }: IndexedStatement, target: Target): readonly string[] {
  return patterns
    .filter((pattern) => mayHold({ within: [pattern], except: [], truth: undefined, decidedBy: [] }, target))
    .flatMap((pattern) => namePiece({ within: [pattern], except: [], truth: undefined, decidedBy: [] }, target))
}

/** The clauses of a statement that depend on the request. */
function decidingConditions(statement: IndexedStatement, { isOpen }: Asked): DecidingCondition[] {
  return statement.conditions
    .filter((clause) => isOpen(clause, statement))
    .map(({ key, operator, values }) => ({
      effect: statement.effect,
      key,
      text: `${key} ${operator} ${values.join(', ')}`,
      statement: statement.name,
    }))
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort()
}
