import '../../core/documents/schema.ts' // the messages of the routes' schemas too
import type { ZodError } from '../../core/documents/schema.ts'
import { type ProblemPart, requestInvalid } from '../problem.ts'

const PART = { param: 'path', query: 'query', json: 'body' } as const

/** Turns what zod found into REQUEST_INVALID with one JSON pointer for each part; `target` is where the input came from. */
export function refuseInvalid(
  result: { target: string } & ({ success: true } | { success: false; error: ZodError }),
): void {
  if (result.success) return
  const part = PART[result.target as keyof typeof PART] ?? result.target
  const errors = result.error.issues.flatMap((issue): ProblemPart[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ pointer: pointer(part, [...issue.path, key]), message: 'is not known here' }))
    }
    // A parameter arrives as a text, or as a list where it was given twice.
    const isTwice = part === 'query' && issue.code === 'invalid_type' && issue.message !== 'is missing'
    return [{ pointer: pointer(part, issue.path), message: isTwice ? 'must be given once' : issue.message }]
  })
  const sentence = errors.slice(0, 5).map((error) => `${error.pointer} ${error.message}`)
  throw requestInvalid(`${sentence.join('; ')}.`, errors.slice(0, 50))
}

/** @see RFC 6901, section 3 */
function pointer(part: string, path: readonly PropertyKey[]): string {
  const steps = path.map((step) => String(step).slice(0, 64).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1'))
  return ['', part, ...steps].join('/')
}
