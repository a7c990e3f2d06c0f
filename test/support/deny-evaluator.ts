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
  return readDenies(document)(session)
}

/** As `deniesSession`, for many sessions. */
export function readDenies(document: string | undefined): (session: SessionContext) => boolean {
  if (document === undefined) return () => false
  const { Statement: statements } = JSON.parse(document) as { Statement: readonly Statement[] }
  const denies = statements.filter(({ Effect }) => Effect === 'Deny').map(readStatement)
  return (session) => denies.some((applies) => applies(session))
}

function readStatement({ Condition = {} }: Statement): (session: SessionContext) => boolean {
  const tests = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => ({
      key,
      holds: [values].flat().map((value) => readTest(operator, value)),
    })),
  )
  return (session) =>
    tests.every(({ key, holds }) => {
      const value = actual(key, session)
      return value !== undefined && holds.some((one) => one(value))
    })
}

function actual(key: string, session: SessionContext): string | undefined {
  if (key === 'aws:SourceIdentity') return session.sourceIdentity
  if (key === 'aws:userid') return session.userId
  if (key === 'aws:TokenIssueTime')
    return new Date(Math.floor(session.issuedAt.getTime() / 1_000) * 1_000).toISOString()
  throw new Error(`unknown key ${key}`)
}

function readTest(operator: string, expected: string): (value: string) => boolean {
  if (operator === 'StringEquals') return (value) => value === expected
  if (operator === 'StringLike') {
    const pattern = like(expected)
    return (value) => pattern.test(value)
  }
  if (operator === 'DateLessThan') return (value) => Date.parse(value) < Date.parse(expected)
  throw new Error(`unknown operator ${operator}`)
}

function like(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's')
}
