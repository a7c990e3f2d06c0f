import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import { sha256Hex } from '../core/canonical-json.ts'
import { StintError } from '../core/errors.ts'
import { parseInstant, startOfDay } from '../core/instant.ts'
import { z } from '../core/schema.ts'
import { readText } from '../core/text/readable-text.ts'
import { matchProblem } from './agent-match.ts'
import type { Registration } from './registration.ts'
import { Registry } from './registry.ts'

/** Something wrong with a registry file; `path` is e.g. `agents[2].expires`, '' for the file as a whole. */
interface RegistryProblem {
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly message: string
}

/** What a registry file may hold. */
export const REGISTRY_LIMITS = { bytes: 4_194_304, agents: 10_000 } as const

/**
 * Reads a registry file.
 *
 * ```yaml
 * agents:
 *   - name: ci-deploy
 *     match: spiffe://example.org/ci/*     # or an exact SPIFFE ID, or oidc:github:repository_id=42;*
 *     owner: mara@example.org
 *     team: data
 *     purpose: Nightly reconciliation
 *     expires: 2027-06-30                  # the start of that day, UTC; or 2027-06-30T12:00:00Z
 *     review: 2027-03-31                   # optional
 * ```
 *
 * @throws {StintError} REGISTRY_INVALID; `details.problems` lists everything that is wrong.
 */
export function parseRegistry(text: string): Registry {
  const lines = new LineCounter()
  const document = documentOf(text, lines)
  const parsed = registrySchema.safeParse(contentOf(document))
  if (!parsed.success) {
    throw invalid(
      parsed.error.issues.map(({ path, message }) => ({
        path: path
          .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
          .join('')
          .replace(/^\./, ''),
        line: lineOf(document, lines, path),
        message,
      })),
    )
  }
  const { agents } = parsed.data
  const repeated = (['name', 'match'] as const).flatMap((key) =>
    repeatsOf(agents.map((agent) => agent[key])).map(({ index, first, value }) => ({
      path: `agents[${index}].${key}`,
      line: lineOf(document, lines, ['agents', index, key]),
      message: `The ${key} ${value} is taken by agents[${first}].`,
    })),
  )
  if (repeated.length > 0) throw invalid(repeated)
  return new Registry({ registrations: agents.map(toRegistration), hash: sha256Hex(text) })
}

function documentOf(text: string, lineCounter: LineCounter): Document {
  if (Buffer.byteLength(text) > REGISTRY_LIMITS.bytes)
    throw invalid([
      { path: '', line: 1, message: `The file is over ${REGISTRY_LIMITS.bytes} bytes, which is the limit.` },
    ])
  try {
    const document = parseDocument(text, { lineCounter, uniqueKeys: true, strict: true, prettyErrors: false })
    const problems = [...document.errors, ...document.warnings]
    if (problems.length === 0) return document
    throw invalid(problems.map(({ message, pos }) => ({ path: '', line: lineCounter.linePos(pos[0]).line, message })))
  } catch (error) {
    if (error instanceof StintError) throw error
    // The parser recurses, and runs out of stack on a file that is nested thousands deep.
    throw invalid([{ path: '', line: 1, message: 'The file is not YAML that can be read; it may be nested too deep.' }])
  }
}

function contentOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch {
    throw invalid([{ path: '', line: 1, message: 'YAML aliases are not supported; write the values out.' }])
  }
}

/** Owner and team are compared and shown as they are written, so nothing is trimmed or normalised in silence. */
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .superRefine((value, context) => {
      const read = readText(value)
      if ('problem' in read) context.addIssue(read.problem)
      else if (read.text !== value) context.addIssue('must be trimmed, with plain spaces, in NFC')
    })

const instant = z.string().transform((value, context) => {
  const at = startOfDay(value) ?? parseInstant(value)
  if (at) return at
  context.addIssue(
    'must be a day such as 2027-06-30 (its start, UTC) or an instant such as 2027-06-30T12:00:00Z or 2027-06-30T14:00:00+02:00',
  )
  return z.NEVER
})

const match = z.string().superRefine((value, context) => {
  const problem = matchProblem(value)
  if (problem) context.addIssue(problem)
})

const registrySchema = z.strictObject({
  agents: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'must be lower-case letters, digits, dots, dashes'),
        match,
        owner: text(200),
        team: text(100),
        purpose: text(500),
        expires: instant,
        review: instant.optional(),
      }),
    )
    .max(REGISTRY_LIMITS.agents),
})

type Entry = z.infer<typeof registrySchema>['agents'][number]

function toRegistration({ expires, review, ...entry }: Entry): Registration {
  return Object.freeze({ ...entry, expiresAt: expires, ...(review && { reviewAt: review }) })
}

function repeatsOf(values: readonly string[]): { index: number; first: number; value: string }[] {
  const seen = new Map<string, number>()
  return values.flatMap((value, index) => {
    const first = seen.get(value)
    if (first !== undefined) return [{ index, first, value }]
    seen.set(value, index)
    return []
  })
}

/** The line of the innermost part of the path that is in the file. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

const MAX_LISTED = 100

function invalid(problems: readonly RegistryProblem[]): StintError {
  const [first] = problems
  const where = first ? `line ${first.line}${first.path ? `, ${first.path}` : ''}: ${first.message}` : ''
  return new StintError('REGISTRY_INVALID', {
    explanation: `${problems.length} problem(s), the first at ${where}`,
    problems: problems.slice(0, MAX_LISTED).map((problem) => ({ ...problem })),
  })
}
