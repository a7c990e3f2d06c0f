/** One policy's text within a file. */
export interface PolicySource {
  /** From the first annotation or the effect to the semicolon. */
  readonly text: string
  /** Where the text begins in the file, in UTF-16 units. */
  readonly offset: number
}

/** A problem at a place in the file; `offset` in UTF-16 units. */
export interface TextProblem {
  readonly offset: number
  readonly message: string
}

/**
 * Limits of one policy. Cedar's parser and evaluator recurse, and WebAssembly's stack is small: it ends
 * at some 130 brackets, or 300 operators or conditionals in a row (measured with Cedar 4.13.0).
 */
export const POLICY_LIMITS = { characters: 65_536, depth: 32, operators: 200, conditionals: 32 } as const

/**
 * Cuts a file into its policies and refuses those that Cedar could not survive, before Cedar sees them.
 *
 * @returns the policies in file order; those named in `problems` are left out.
 * @see https://docs.cedarpolicy.com/policies/syntax-grammar.html
 */
export function splitPolicies(file: string): { policies: PolicySource[]; problems: TextProblem[] } {
  const policies: PolicySource[] = []
  const problems: TextProblem[] = []
  let shape = newShape()
  const finish = (end: number) => {
    if (shape.start === undefined) return
    const source = { text: file.slice(shape.start, end), offset: shape.start }
    const message = refusal(shape, source.text)
    if (message) problems.push({ offset: shape.refusedAt ?? shape.start, message })
    else policies.push(source)
    shape = newShape()
  }
  for (const token of file.matchAll(TOKEN)) {
    const kind = Object.entries(token.groups ?? {}).find(([, text]) => text !== undefined)?.[0]
    if (kind === 'blank') continue
    shape.start ??= token.index
    if (kind === 'quote') {
      problems.push({ offset: token.index, message: 'A string begins here and has no closing quote.' })
      return { policies, problems }
    }
    count(shape, kind, token[0], token.index)
    if (kind === 'end') finish(token.index + 1)
  }
  finish(file.length)
  return { policies, problems }
}

/** Line and column, both from 1; columns count characters. */
export function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: [...before.slice(lineStart)].length + 1 }
}

/** Turns one of Cedar's offsets, which count UTF-8 bytes, into UTF-16 units. */
export function unitsOfBytes(text: string, bytes: number): number {
  return Buffer.from(text, 'utf8').subarray(0, bytes).toString('utf8').length
}

const TOKEN =
  /(?<blank>\s+|\/\/[^\n\r]*)|(?<string>"(?:\\.|[^"\\])*")|(?<quote>")|(?<word>[A-Za-z_]\w*)|(?<slot>\?\w+)|(?<open>[([{])|(?<close>[)\]}])|(?<end>;)|(?<operator>&&|\|\||[<>=!]=?|[-+*.])|(?<other>[\s\S])/gu

interface Shape {
  start?: number
  refusedAt?: number
  depth: number
  maxDepth: number
  operators: number
  conditionals: number
  template: boolean
}

function newShape(): Shape {
  return { depth: 0, maxDepth: 0, operators: 0, conditionals: 0, template: false }
}

function count(shape: Shape, kind: string | undefined, text: string, index: number): void {
  if (kind === 'open') shape.maxDepth = Math.max(shape.maxDepth, ++shape.depth)
  if (kind === 'close') shape.depth -= 1
  if (kind === 'operator' || text === '[') shape.operators += 1
  if (text === 'if') shape.conditionals += 1
  if (kind === 'slot') {
    shape.template = true
    shape.refusedAt ??= index
  }
}

function refusal(shape: Shape, text: string): string | undefined {
  if (shape.template) return 'Templates (?principal, ?resource) are not supported; write the policy out.'
  if (text.length > POLICY_LIMITS.characters) return tooMuch('characters', text.length, POLICY_LIMITS.characters)
  if (shape.maxDepth > POLICY_LIMITS.depth) return tooMuch('levels of brackets', shape.maxDepth, POLICY_LIMITS.depth)
  if (shape.operators > POLICY_LIMITS.operators) return tooMuch('operators', shape.operators, POLICY_LIMITS.operators)
  if (shape.conditionals > POLICY_LIMITS.conditionals)
    return tooMuch('if-then-else', shape.conditionals, POLICY_LIMITS.conditionals)
  return undefined
}

function tooMuch(what: string, is: number, limit: number): string {
  return `This policy has ${is} ${what} and the limit is ${limit}; split it into several.`
}
