import { compileGlob, type Glob, matches } from '../glob.ts'
import type { ConditionClause, PatternList, PolicyDocument, PolicyStatement } from './policy-document.ts'
import { type FillVariable, type PolicyResource, readPolicyResource } from './policy-resource.ts'

/** A statement, ready for questions. */
export interface IndexedStatement {
  /** e.g. `ReadInvoices (Statement[2])` with the name of its document in front. */
  readonly name: string
  readonly effect: 'Allow' | 'Deny'
  readonly action: ActionList
  /** NotResource if negated. */
  readonly resources: { readonly negated: boolean; readonly patterns: readonly PolicyResource[] }
  readonly conditions: readonly ConditionClause[]
  /** Undefined where the document's version has no variables. */
  readonly fill: FillVariable | undefined
  /** The services that it may be about, in lower case; undefined for any. */
  readonly services: readonly string[] | undefined
}

/** The actions of a statement, in lower case. */
interface ActionList {
  readonly negated: boolean
  readonly named: ReadonlySet<string>
  readonly globs: readonly Glob[]
}

/** Statements by the service of an action. Most statements of a role are about one service or two. */
export class StatementIndex {
  readonly #byService = new Map<string, IndexedStatement[]>()
  /** Statements with a wildcard in the service, or with NotAction. */
  readonly #anyService: IndexedStatement[] = []
  readonly #merged = new Map<string, readonly IndexedStatement[]>()

  constructor(statements: readonly IndexedStatement[]) {
    for (const statement of statements) {
      const { services } = statement
      if (!services) this.#anyService.push(statement)
      for (const service of new Set(services)) {
        const there = this.#byService.get(service)
        if (there) there.push(statement)
        else this.#byService.set(service, [statement])
      }
    }
  }

  /** The statements that are about an action. @param action in lower case, e.g. `s3:getobject` */
  about(service: string, action: string): readonly IndexedStatement[] {
    const own = this.#ofService(service)
    return own.length === 0 ? NONE : own.filter((statement) => isAbout(statement.action, action))
  }

  #ofService(service: string): readonly IndexedStatement[] {
    const known = this.#merged.get(service)
    if (known) return known
    const merged = [...(this.#byService.get(service) ?? []), ...this.#anyService]
    this.#merged.set(service, merged)
    return merged
  }
}

const NONE: readonly IndexedStatement[] = []

function isAbout({ negated, named, globs }: ActionList, action: string): boolean {
  return (named.has(action) || globs.some((glob) => matches(glob, action))) !== negated
}

/** Prepares the statements of a document. */
export function prepareStatements(
  documentName: string,
  { statements, hasVariables }: PolicyDocument,
  fill: FillVariable,
): IndexedStatement[] {
  return statements.map((statement, at) =>
    prepare(statement, `${documentName} ${statement.sid || `Statement[${at}]`}`, hasVariables ? fill : undefined),
  )
}

function prepare(
  { effect, action, resource = { negated: false, patterns: ['*'] }, conditions }: PolicyStatement,
  name: string,
  fill: FillVariable | undefined,
): IndexedStatement {
  return {
    name,
    effect,
    action: readActions(action),
    resources: { negated: resource.negated, patterns: resource.patterns.map((text) => readPolicyResource(text, fill)) },
    conditions,
    fill,
    services: spelledServices(action),
  }
}

function readActions({ negated, patterns }: PatternList): ActionList {
  const lower = patterns.map((pattern) => pattern.toLowerCase())
  return {
    negated,
    named: new Set(lower.filter((pattern) => !/[*?]/.test(pattern))),
    globs: lower.filter((pattern) => /[*?]/.test(pattern)).map(compileGlob),
  }
}

/** The services of a list of actions; undefined if it may be about any. */
function spelledServices({ negated, patterns }: PatternList): readonly string[] | undefined {
  if (negated) return undefined
  const spelled = patterns.map((pattern) => pattern.toLowerCase().split(':')[0] ?? '')
  return spelled.some((service) => /[*?]/.test(service)) ? undefined : spelled
}
