import { z } from 'zod'
import { parseInstant } from '../instant.ts'
import { findNearest } from '../text/nearest.ts'

/**
 * zod, whose messages say what is wrong as the rest of a sentence that begins with the field: `must be at least 1 (got 0)`.
 * Everything that reads input imports it from here, so that no "Too small: expected array to have >=1 items" reaches a person.
 * A schema's own message goes before these.
 */
z.config({ localeError: describeIssue })

export { type ZodError, z } from 'zod'

/** An instant in RFC 3339, any offset, as a Date. */
export const instantText = z
  .string()
  .meta({ format: 'date-time' })
  .transform((text, context) => {
    const at = parseInstant(text)
    if (at) return at
    context.addIssue(`must be ${FORMATS.datetime}`)
    return z.NEVER
  })

type Issue = z.core.$ZodRawIssue

function describeIssue(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${describeKind(issue.expected)}`
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
    case 'too_small':
      return sized(issue.origin, issue.exact ? '' : issue.inclusive ? 'at least ' : 'more than ', issue.minimum, issue)
    case 'too_big':
      return sized(issue.origin, issue.exact ? '' : issue.inclusive ? 'at most ' : 'less than ', issue.maximum, issue)
    case 'invalid_format':
      return `must be ${describeFormat(issue)}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'unrecognized_keys':
      return `must not have ${issue.keys.length > 1 ? 'the fields' : 'the field'} ${issue.keys.join(', ')}${nearFields(issue)}`
    case 'invalid_key':
      return 'must not have a key of this form'
    case 'invalid_union':
      return describeWrongKind(issue) ?? 'has none of the forms that are allowed here'
    default:
      return 'has none of the forms that are allowed here'
  }
}

/** e.g. `; did you mean roleArn?`: the fields that the object has and that are like one of these. */
function nearFields({ keys, input, inst }: Issue & { code: 'unrecognized_keys' }): string {
  const def = inst?._zod.def as { readonly shape?: object } | undefined
  const given = Object.keys(input ?? {})
  const free = Object.keys(def?.shape ?? {}).filter((name) => !given.includes(name))
  const near = keys.flatMap((key) => findNearest(key, free) ?? [])
  return near.length > 0 ? `; did you mean ${[...new Set(near)].join(', ')}?` : ''
}

/** The values of the field that tells the forms of an object apart. */
function describeWrongKind({ discriminator, input, ...issue }: Issue & { code: 'invalid_union' }): string | undefined {
  if (discriminator === undefined || !('options' in issue) || !Array.isArray(issue.options)) return undefined
  const missing = (input as Readonly<Record<string, unknown>>)[discriminator] === undefined
  return `${missing ? 'is missing; it has to be' : 'must be'} one of ${issue.options.map(String).join(', ')}`
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  date: 'an instant',
}

function describeKind(expected: string): string {
  return KINDS[expected] ?? `a value of type ${expected}`
}

const UNITS: Readonly<Record<string, readonly [one: string, more: string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
  set: ['entry', 'entries'],
  map: ['entry', 'entries'],
}

function sized(origin: string, bound: string, limit: number | bigint, { input }: Issue): string {
  const units = UNITS[origin]
  if (units === undefined) return `must be ${bound}${limit}${typeof input === 'number' ? ` (got ${input})` : ''}`
  const got = (input as { length?: unknown } | undefined)?.length
  return `must have ${bound}${limit} ${units[Number(limit) === 1 ? 0 : 1]}${typeof got === 'number' ? ` (got ${got})` : ''}`
}

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'an instant such as 2026-11-21T12:00:00Z or 2026-11-21T13:00:00+01:00',
  date: 'a day such as 2026-11-21',
  url: 'a URL',
  email: 'an e-mail address',
  base64: 'Base64',
  base64url: 'Base64 in the URL alphabet',
}

function describeFormat({ format, pattern }: Issue & { code: 'invalid_format' }): string {
  return FORMATS[format] ?? (pattern === undefined ? `a ${format}` : `a text that matches ${pattern}`)
}
