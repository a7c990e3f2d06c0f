import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileTemplate, contains, intersects, matches } from '../../src/aws/glob.ts'

// Brute force: all texts over {a, b, /} up to a length, each matched by a plain recursive reading of the rules.
const ALPHABET = ['a', 'b', '/', '#']
const TEXTS = allTexts(6)
const pattern = fc
  .array(fc.constantFrom('a', 'b', '/', '*', '*', '?', '?'), { maxLength: 7 })
  .map((tokens) => tokens.join(''))
const shortPattern = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 4 }).map((tokens) => tokens.join(''))

function allTexts(maxLength: number): string[] {
  const texts = ['']
  for (let from = 0, length = 0; length < maxLength; length += 1) {
    const to = texts.length
    for (; from < to; from += 1) for (const char of ALPHABET) texts.push(texts[from] + char)
  }
  return texts
}

function naive(glob: string, text: string): boolean {
  if (glob === '') return text === ''
  const rest = glob.slice(1)
  if (glob[0] === '*') return naive(rest, text) || (text !== '' && naive(glob, text.slice(1)))
  return text !== '' && (glob[0] === '?' || glob[0] === text[0]) && naive(rest, text.slice(1))
}

describe('globs', () => {
  test('match as the plain reading of the rules says', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 }).map((chars) => chars.join(''))
    fc.assert(
      fc.property(pattern, text, (glob, input) => {
        expect(matches(glob, input)).toBe(naive(glob, input))
      }),
      { numRuns: 2000 },
    )
  })

  test('intersect exactly when some text is matched by both', () => {
    fc.assert(
      fc.property(shortPattern, shortPattern, (a, b) => {
        // A shortest common text needs no more characters than both patterns have literals and `?` together.
        const longest = (a + b).replaceAll('*', '').length
        const texts = longest <= 6 ? TEXTS : allTexts(8)
        expect(intersects(a, b)).toBe(texts.some((text) => naive(a, text) && naive(b, text)))
      }),
      { numRuns: 200 },
    )
  })

  test('contain exactly when no text of the inner escapes the outer', () => {
    fc.assert(
      fc.property(shortPattern, shortPattern, (outer, inner) => {
        const escapes = TEXTS.some((text) => naive(inner, text) && !naive(outer, text))
        expect(contains(outer, inner)).toBe(!escapes)
      }),
      { numRuns: 1500 },
    )
  })

  test('containment and intersection agree with sampled members of longer patterns', () => {
    fc.assert(
      fc.property(pattern, pattern, fc.infiniteStream(fc.constantFrom('', 'a', '/', 'b#', 'ab')), (a, b, fill) => {
        const member = [...a].map((c) => (c === '*' ? fill.next().value : c === '?' ? '#' : c)).join('')
        if (contains(b, a)) expect(naive(b, member)).toBe(true)
        if (naive(b, member)) expect(intersects(a, b)).toBe(true)
        expect(intersects(a, b)).toBe(intersects(b, a))
      }),
      { numRuns: 2000 },
    )
  })

  for (const { outer, inner, expected } of [
    { outer: '*', inner: '', expected: true },
    { outer: '*?', inner: '?*', expected: true },
    { outer: '?*b', inner: '*ab', expected: true }, // the `?` is filled from the star or from the `a`
    { outer: '*a?*b', inner: '*a*b', expected: false }, // `ab`
    { outer: 'arn:aws:s3:::prod-*', inner: 'arn:aws:s3:::prod-?*/x', expected: true },
    { outer: 'arn:aws:s3:::prod-*', inner: 'arn:aws:s3:::prod*', expected: false },
    { outer: 'arn:aws:s3:::data/*', inner: 'arn:aws:s3:::data*', expected: false },
    { outer: 'a', inner: 'A', expected: false }, // ARNs are compared in their case
  ])
    test(`${outer} ${expected ? 'contains' : 'does not contain'} ${inner}`, () => {
      expect(contains(outer, inner)).toBe(expected)
    })

  test('a segment variable takes no slash', () => {
    const bucket = compileTemplate(['arn:aws:s3:::', { kind: 'segment' }])
    expect(intersects(bucket, 'arn:aws:s3:::data')).toBe(true)
    expect(intersects(bucket, 'arn:aws:s3:::data/*')).toBe(false)
    expect(intersects(bucket, 'arn:aws:s3:::da?a*')).toBe(true)
  })

  for (const hostile of [
    '*a'.repeat(1024),
    '*?a'.repeat(682),
    `${'*a?'.repeat(600)}b`,
    '?*'.repeat(1024),
    `${'a*?b??'.repeat(340)}`,
    `*${'a'.repeat(2047)}`,
    `${'*a???????'.repeat(227)}`,
  ])
    test(`hostile patterns end: ${hostile.slice(0, 12)}…`, () => {
      const other = `${'*a'.repeat(500)}${'*b?'.repeat(300)}`
      for (const pattern of [other, hostile, '*', `${'a'.repeat(2047)}b`, `a*${'??a'.repeat(600)}*`]) {
        contains(hostile, pattern)
        contains(pattern, hostile)
        intersects(hostile, pattern)
        matches(hostile, pattern)
      }
      expect(contains('*', hostile)).toBe(true)
    })
})
