import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseStrictJson } from '../../../src/core/documents/strict-json.ts'

describe('parseStrictJson', () => {
  // RFC 8259, section 4: names within an object should be unique.
  for (const text of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{ "a" : 1 , "b" : {"a":1} , "a" : 2 }',
    '[{"x":{"":1,"":2}}]',
    '{"\\"":1,"\\u0022":2}',
    '{"\\\\":1,"\\u005c":2}',
    '{"a\\\\":1,"b":":","a\\\\":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":["{\\"a\\":1}"],"a":2}',
  ])
    test(`refuses a key twice in one object: ${text}`, () => expect(() => parseStrictJson(text)).toThrow(SyntaxError))

  for (const text of [
    '{"a":1,"A":2}',
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
    '{"a":"\\"a\\":1","b":"a","c":"b"}',
    '{"a\\\\":1,"a":2}',
    '["a","a",":"]',
    '"a"',
    '{"__proto__":1,"constructor":2}',
  ])
    test(`takes keys that differ or are of different objects: ${text}`, () =>
      expect(parseStrictJson(text)).toEqual(JSON.parse(text)))

  // RFC 8259, section 6: beyond 2^53 implementations differ.
  for (const [text, value] of [
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993', -9007199254740993n],
    ['{"a":[99999999999999999999]}', { a: [99999999999999999999n] }],
    ['999999999999999', 999999999999999],
    ['1e400', Number.POSITIVE_INFINITY],
    ['1234567890123456.5', 1234567890123456.5],
    ['"99999999999999999999"', '99999999999999999999'],
  ] as const)
    test(`keeps every digit of an integer: ${text}`, () => expect(parseStrictJson(text)).toEqual(value))

  for (const [name, text] of [
    ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`],
    ['a million levels', '['.repeat(1_000_000)],
    ['an open string', '{"a'],
    ['an open string that ends in an escape', '{"a\\'],
    ['brackets that do not match', '{"a":[1}]'],
    ['closing ones alone', ']]}}'],
    ['a key that is no text', '{1:2}'],
    ['no key', '{:2}'],
    ['a bad escape in a key', '{"\\x":1}'],
    ['a line end in a key', '{"a\nb":1}'],
    ['nothing', ''],
    ['two values', '{}{}'],
  ] as const)
    test(`refuses ${name}`, () => expect(() => parseStrictJson(text)).toThrow(SyntaxError))

  test('takes 32 levels', () => expect(parseStrictJson(`${'['.repeat(32)}${']'.repeat(32)}`)).toBeDefined())

  test('reads what JSON.parse reads, where no key is there twice', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const asNumbers = (_: string, part: unknown) => (typeof part === 'bigint' ? Number(part) : part)
        expect(JSON.stringify(parseStrictJson(text), asNumbers)).toBe(JSON.stringify(JSON.parse(text)))
      }),
      { numRuns: 1_000 },
    )
  })

  test('sees a key twice however it is spelt and whatever is between', () => {
    const escaped = (key: string): string =>
      `"${[...Array(key.length).keys()].map((at) => `\\u${key.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.json({ maxDepth: 3 }), (key, value) => {
        const [plain, other] = [JSON.stringify(key), escaped(key)]
        expect(() => parseStrictJson(`{${plain}:${value},${other}:0}`)).toThrow(SyntaxError)
        expect(() => parseStrictJson(`[{${other}:${value} , "${'x'.repeat(40)}":1,${plain} :0}]`)).toThrow(SyntaxError)
        expect(() => parseStrictJson(`{${plain}:${value},"more${plain.slice(1)}:0}`)).not.toThrow()
      }),
    )
  })
})
