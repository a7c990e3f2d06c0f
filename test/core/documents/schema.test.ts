import { expect, test } from 'vitest'
import { z } from '../../../src/core/documents/schema.ts'

for (const { name, schema, input, expected } of [
  { name: 'nothing', schema: z.object({ a: z.string() }), input: {}, expected: ['is missing'] },
  { name: 'a number for a text', schema: z.string(), input: 1, expected: ['must be a text'] },
  { name: 'a fraction', schema: z.number().int(), input: 1.5, expected: ['must be a whole number'] },
  { name: 'no number', schema: z.number(), input: Number.NaN, expected: ['must be a number'] },
  { name: 'a text for an object', schema: z.strictObject({}), input: '', expected: ['must be an object'] },
  { name: 'an empty text', schema: z.string().min(1), input: '', expected: ['must have at least 1 character (got 0)'] },
  {
    name: 'a long list',
    schema: z.array(z.int()).max(2),
    input: [1, 2, 3],
    expected: ['must have at most 2 entries (got 3)'],
  },
  { name: 'a small number', schema: z.number().min(1), input: 0, expected: ['must be at least 1 (got 0)'] },
  { name: 'a bound that is out', schema: z.number().lt(5), input: 5, expected: ['must be less than 5 (got 5)'] },
  { name: 'another word', schema: z.enum(['a', 'b']), input: 'c', expected: ['must be one of a, b'] },
  { name: 'another value', schema: z.literal(1), input: 2, expected: ['must be 1'] },
  {
    name: 'no instant',
    schema: z.iso.datetime(),
    input: 'x',
    expected: ['must be an instant such as 2026-11-21T12:00:00Z or 2026-11-21T13:00:00+01:00'],
  },
  {
    name: 'another form',
    schema: z.string().regex(/^a$/),
    input: 'b',
    expected: ['must be a text that matches /^a$/'],
  },
  {
    name: 'unknown fields',
    schema: z.strictObject({}),
    input: { a: 1, b: 2 },
    expected: ['must not have the fields a, b'],
  },
  {
    name: 'misspelt fields, beside those that are there',
    schema: z.strictObject({ roleArn: z.string().optional(), access: z.string(), actions: z.string().optional() }),
    input: { rolearn: 'x', access: 'y', acces: 'z', other: 1 },
    expected: ['must not have the fields rolearn, acces, other; did you mean roleArn?'],
  },
  {
    name: 'none of two forms',
    schema: z.union([z.int(), z.boolean()]),
    input: 'x',
    expected: ['has none of the forms that are allowed here'],
  },
  {
    name: 'an unknown kind',
    schema: z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })]),
    input: { kind: 'c' },
    expected: ['must be one of a, b'],
  },
  {
    name: 'no kind',
    schema: z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })]),
    input: {},
    expected: ['is missing; it has to be one of a, b'],
  },
  {
    name: "a schema's own message",
    schema: z.string().min(2, 'must be longer'),
    input: '',
    expected: ['must be longer'],
  },
])
  test(`zod says of ${name} what would be right, in English`, () => {
    expect(schema.safeParse(input).error?.issues.map(({ message }) => message)).toEqual(expected)
  })
