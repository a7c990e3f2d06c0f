import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, type Json } from '../../src/core/canonical-json.ts'

const outcome = (write: (value: Json) => string | undefined, value: unknown) => {
  try {
    return write(value as Json) ?? 'refused'
  } catch {
    return 'refused'
  }
}

test('canonical JSON has no limit of depth', () => {
  const text = `${'[{"a":'.repeat(20_000)}1${'}]'.repeat(20_000)}`
  expect(canonicalJson(JSON.parse(text))).toBe(text)
})

describe('canonical JSON', () => {
  // RFC 8785, section 3.2.3 and appendix B; the rest is what JavaScript orders or writes in its own way.
  for (const [name, value] of [
    ['keys by UTF-16 unit', { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, ö: 7 }],
    ['numbers', [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27, -0, 5e-324, 2 ** 53]],
    ['strings', '€$\u000f\nA\'B"\\\\"/\u007f\u2028\ud83d\ude00'],
    ['keys that are numbers', { 10: 1, 9: 2, a: 3, '01': 4, '-1': 5 }],
    ['a key __proto__', JSON.parse('{"__proto__":{"b":1,"a":2},"a":1}')],
    ['keys of objects', { toString: 1, constructor: 2, hasOwnProperty: 3, toJSON: 4, length: 5 }],
    ['members without a value', { b: undefined, a: [undefined, null] }],
    ['the text of an escape', '\\ud800 \\uDFFF'],
    ['nothing', {}],
    ['half a surrogate pair', { a: ['\ud800'] }],
    ['half a surrogate pair as a key', { '\udfff': 1 }],
    ['a number that is none', [Number.NaN]],
    ['a date', { at: new Date(0) }],
    ['an object with its own form', { toJSON: () => ({ b: 1, a: 2 }) }],
    ['an object without a prototype', Object.assign(Object.create(null), { b: 1, a: 2 })],
    [
      'a class',
      new (class {
        b = 1
        a = 2
      })(),
    ],
    ['a map', new Map([['a', 1]])],
    ['bytes', new Uint8Array([1, 2])],
    ['a big integer', [1n]],
    ['a function', { a: () => 1 }],
    ['200 lists in each other', JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`)],
    ['a boxed text', { a: Object('x') }],
  ] as const)
    test(`of ${name} is what RFC 8785 says`, () => {
      expect(outcome(canonicalJson, value)).toBe(outcome(canonicalize, value))
    })

  test('of any value is what RFC 8785 says', () => {
    const key = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('a', 'b', '1', '02', '__proto__'))
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
      ),
      leaf: fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.double(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.constant(undefined),
      ),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        expect(outcome(canonicalJson, value)).toBe(outcome(canonicalize, value))
      }),
      { numRuns: 3_000 },
    )
  })
})
