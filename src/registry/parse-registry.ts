import { sha256Hex } from '../core/canonical-json.ts'
import { z } from '../core/documents/schema.ts'
import { fileError, YamlDocument } from '../core/documents/yaml-document.ts'
import { parseInstant, startOfDay } from '../core/instant.ts'
import { readText } from '../core/text/readable-text.ts'
import { matchProblem } from './agent-match.ts'
import type { Registration } from './registration.ts'
import { Registry } from './registry.ts'

/** The form of the name of a registration; it may stand in a path of a URL. */
export const REGISTRATION_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/

/** Limits of a registry file: its bytes, and its registrations. */
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
 *     contact: '#data-oncall'              # optional
 *     expires: 2027-06-30                  # the start of that day, UTC; or 2027-06-30T12:00:00Z
 *     review: 2027-03-31                   # optional
 * ```
 *
 * @param file as problems name it.
 * @throws {StintError} REGISTRY_INVALID; `details.problems` lists everything that is wrong.
 */
export function parseRegistry(text: string, file = 'agents.yaml'): Registry {
  if (Buffer.byteLength(text) > REGISTRY_LIMITS.bytes) {
    const message = `The file must have at most ${REGISTRY_LIMITS.bytes} bytes.`
    throw toError([{ file, line: 1, column: 1, path: '', message }])
  }
  const document = YamlDocument.parse({ file, text, toError })
  const { agents } = document.check(registrySchema)
  const repeated = (['name', 'match'] as const).flatMap((key) =>
    findRepeats(agents.map((agent) => agent[key])).map(({ index, first, value }) => ({
      path: ['agents', index, key],
      message: `${value} is taken by agents.${first}`,
    })),
  )
  if (repeated.length > 0) throw document.error(repeated)
  return new Registry({ registrations: agents.map(toRegistration), hash: sha256Hex(text) })
}

const toError = fileError('REGISTRY_INVALID')

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
        name: z.string().regex(REGISTRATION_NAME, 'must be lower-case letters, digits, dots, dashes'),
        match,
        owner: text(200),
        team: text(100),
        purpose: text(500),
        contact: text(200).optional(),
        expires: instant,
        review: instant.optional(),
      }),
    )
    .max(REGISTRY_LIMITS.agents),
})

type Entry = z.infer<typeof registrySchema>['agents'][number]

function toRegistration({ expires, review, contact, ...entry }: Entry): Registration {
  return Object.freeze({
    ...entry,
    ...(contact !== undefined && { contact }),
    expiresAt: expires,
    ...(review && { reviewAt: review }),
  })
}

function findRepeats(values: readonly string[]): { index: number; first: number; value: string }[] {
  const seen = new Map<string, number>()
  return values.flatMap((value, index) => {
    const first = seen.get(value)
    if (first !== undefined) return [{ index, first, value }]
    seen.set(value, index)
    return []
  })
}
