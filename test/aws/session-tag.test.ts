import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sessionTagValue } from '../../src/aws/session-tag.ts'

// STS API Reference, Tag: at most 256 of these.
const VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 20)

describe('the value of a session tag', () => {
  for (const text of ['', 'spiffe://example.org/agents/reader', 'gh:repo:org/app:ref:refs/heads/main', 'Zoë Ångström'])
    test(`is the text where STS takes it: ${text}`, () => expect(sessionTagValue(text)).toBe(text))

  // Two names each that were one value before.
  for (const [name, one, other] of [
    ['another character that STS does not take', 'oidc:user%7Cjohn', 'oidc:user;7Cjohn'],
    ['the character that stands in for it', 'spiffe://example.org/a%b', 'spiffe://example.org/a_b'],
    [
      'what comes after 256 characters',
      `spiffe://example.org/${'x'.repeat(300)}1`,
      `spiffe://example.org/${'x'.repeat(300)}2`,
    ],
    [
      'a letter outside the basic plane at the cut',
      `${'x'.repeat(234)}\u{1d49c}${'y'.repeat(40)}`,
      `${'x'.repeat(234)}\u{1d49e}${'y'.repeat(40)}`,
    ],
    ['the value that stands for the first', 'a%b', `a_b=${hashOf('a%b')}`],
  ] as const) {
    test(`differs where only ${name} does`, () => {
      expect(sessionTagValue(one)).not.toBe(sessionTagValue(other))
      for (const text of [one, other]) expect(sessionTagValue(text)).toMatch(VALUE)
    })
  }

  test('ends with the hash of the whole text where anything was replaced or cut', () => {
    expect(sessionTagValue('a%b')).toBe(`a_b=${hashOf('a%b')}`)
    const long = 'n'.repeat(257)
    expect(sessionTagValue(long)).toBe(`${'n'.repeat(235)}=${hashOf(long)}`)
  })

  test('is one that STS takes, and another one for every other text', () => {
    const text = fc.string({ unit: 'binary', maxLength: 400 })
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(sessionTagValue(one)).toMatch(VALUE)
        expect(sessionTagValue(one).isWellFormed()).toBe(true)
        expect(sessionTagValue(one) === sessionTagValue(other)).toBe(one === other)
      }),
    )
  })
})
