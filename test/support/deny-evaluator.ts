/** What one request of a session carries, as far as deny documents ask. */
export interface SessionContext {
  readonly sourceIdentity?: string
  /** `<role id>:<session name>` */
  readonly userId: string
  readonly issuedAt: Date
}

interface Statement {
  readonly Effect: string
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

/**
 * Whether a deny document, read as JSON and nothing of the code that wrote it, denies every call of a session. Knows the
 * operators and keys that such documents use; anything else throws.
 */
export function deniesSession(document: string | undefined, session: SessionContext): boolean {
  if (document === undefined) return false
  const { Statement: statements } = JSON.parse(document) as { Statement: readonly Statement[] }
  return statements.some((statement) => statement.Effect === 'Deny' && applies(statement, session))
}

function applies({ Condition = {} }: Statement, session: SessionContext): boolean {
  return Object.entries(Condition).every(([operator, tests]) =>
    Object.entries(tests).every(([key, values]) =>
      [values].flat().some((value) => holds(operator, value, actual(key, session))),
    ),
  )
}

function actual(key: string, session: SessionContext): string | undefined {
  if (key === 'aws:SourceIdentity') return session.sourceIdentity
  if (key === 'aws:userid') return session.userId
  if (key === 'aws:TokenIssueTime')
    return new Date(Math.floor(session.issuedAt.getTime() / 1_000) * 1_000).toISOString()
  throw new Error(`unknown key ${key}`)
}

function holds(operator: string, expected: string, value: string | undefined): boolean {
  if (value === undefined) return false
  if (operator === 'StringEquals') return value === expected
  if (operator === 'StringLike') return like(expected).test(value)
  if (operator === 'DateLessThan') return Date.parse(value) < Date.parse(expected)
  throw new Error(`unknown operator ${operator}`)
}

function like(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's')
}
