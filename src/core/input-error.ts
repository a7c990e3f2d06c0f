import type { Json } from './canonical-json.ts'
import { type ErrorCode, type ErrorDetails, StintError } from './errors.ts'

/** One mistake in what a caller sent. */
export interface InputProblem {
  /** Path as TypeScript has it, e.g. `task.access[0].actions[1]`; an edge that spells fields otherwise translates it. */
  readonly field: string
  /** The problem and what would be right, as the rest of a sentence that begins with the field: `must be … (got …)`. */
  readonly message: string
  readonly code: ErrorCode
}

/** An InputProblem with what its code says besides; facts go to the caller only where the mistake is the only one. */
export type InputProblemWithFacts = InputProblem & { readonly facts?: Readonly<Record<string, Json>> }

/** Mistakes that one answer lists; a caller who mends so many asks again anyway. */
export const MAX_INPUT_PROBLEMS = 50

/**
 * All mistakes of one input in one error: `details.errors` has the InputProblems, `details.omittedErrors` the number of those
 * over the limit, `explanation` is made of them.
 *
 * @param several the code where the mistakes have more than one.
 */
export function inputError(
  problems: readonly InputProblemWithFacts[],
  several: ErrorCode = 'REQUEST_INVALID',
): StintError {
  const codes = new Set(problems.map(({ code }) => code))
  const [code = several] = codes
  const facts = problems.length === 1 ? problems[0]?.facts : undefined
  const errors = problems.slice(0, MAX_INPUT_PROBLEMS).map(({ field, message, code }) => ({ field, message, code }))
  const omitted = problems.length - errors.length
  return new StintError(codes.size > 1 ? several : code, {
    ...facts,
    explanation: explainProblems(errors, omitted),
    errors,
    ...(omitted > 0 && { omittedErrors: omitted }),
  })
}

/** The sentence for some mistakes. */
export function explainProblems(problems: readonly Pick<InputProblem, 'field' | 'message'>[], omitted = 0): string {
  const parts = problems.map(({ field, message }) => `${field} ${message}`)
  const sentence = [...parts, ...(omitted > 0 ? [`and ${omitted} more`] : [])].join('; ')
  return sentence.endsWith('?') ? sentence : `${sentence}.`
}

/** The mistakes that an error lists; none for an error of another kind. */
export function readInputProblems({ errors }: ErrorDetails): { field: string; message: string; code?: string }[] {
  if (!Array.isArray(errors)) return []
  return errors.flatMap((entry: Json) => {
    const { field, message, code } = (entry ?? {}) as { field?: unknown; message?: unknown; code?: unknown }
    if (typeof field !== 'string' || typeof message !== 'string') return []
    return [{ field, message, ...(typeof code === 'string' && { code }) }]
  })
}

/** The details of an error with its fields as an edge, a file or a flag spells them, in the sentence too. */
export function renameFields(details: ErrorDetails, rename: (field: string) => string): ErrorDetails {
  const problems = readInputProblems(details).map((problem) => ({ ...problem, field: rename(problem.field) }))
  if (problems.length === 0) return details
  const omitted = typeof details.omittedErrors === 'number' ? details.omittedErrors : 0
  return { ...details, errors: problems, explanation: explainProblems(problems, omitted) }
}

/** The error with its fields as somebody else spells them; any other error as it is. */
export function renameErrorFields(thrown: unknown, rename: (field: string) => string): unknown {
  if (!(thrown instanceof StintError) || readInputProblems(thrown.details).length === 0) return thrown
  return new StintError(thrown.code, renameFields(thrown.details, rename), thrown.cause)
}
