import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasCode } from '../../src/core/errors.ts'
import { parseSpiffeId, parseTrustDomain, spiffeIdText } from '../../src/identity/spiffe-id.ts'
import { SPIFFE_ID_VECTORS } from '../vectors/identity/spiffe-ids.ts'

describe('parseSpiffeId', () => {
  for (const { id, name, inputs, rule } of SPIFFE_ID_VECTORS) {
    test(`${id} ${rule ? 'refuses' : 'accepts'} ${name}`, () => {
      expect(inputs.length).toBeGreaterThan(0)
      for (const input of inputs) {
        if (rule) expect(refusal(input), JSON.stringify(input)).toBe(rule)
        else expect(spiffeIdText(parseSpiffeId(input))).toBe(input)
      }
    })
  }

  test('I24 keeps paths apart that differ in case', () => {
    expect(parseSpiffeId('spiffe://td/Service')).not.toEqual(parseSpiffeId('spiffe://td/service'))
  })

  test('splits at the first slash after the trust domain', () => {
    expect(parseSpiffeId('spiffe://example.org/a/b')).toEqual({ trustDomain: 'example.org', path: '/a/b' })
    expect(parseSpiffeId('spiffe://example.org')).toEqual({ trustDomain: 'example.org', path: '' })
  })

  test('agrees with an independent reading of the rules on any text', () => {
    const piece = fc.constantFrom(
      'spiffe://',
      'td',
      'a',
      'Z',
      '.',
      '..',
      '/',
      '//',
      '%',
      ':',
      '@',
      '?',
      '\n',
      'é',
      '-',
      '_',
      ' ',
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join('')),
      fc.array(piece, { maxLength: 7 }).map((pieces) => `spiffe://${pieces.join('')}`),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(text, (input) => {
        expect(refusal(input) === undefined, JSON.stringify(input)).toBe(isSpiffeId(input))
      }),
      { numRuns: 1500 },
    )
  })
})

describe('parseTrustDomain', () => {
  test('gives the name back, and refuses an ID in its place', () => {
    expect(parseTrustDomain('example.org')).toBe('example.org')
    for (const input of ['', 'spiffe://example.org', 'Example.org', 'example.org/', 'a'.repeat(256), null]) {
      expect(() => parseTrustDomain(input)).toThrow(expect.objectContaining({ code: 'SPIFFE_ID_INVALID' }))
    }
  })
})

/** The grammar of SPIFFE-ID 2 as one expression, written apart from the parser. */
function isSpiffeId(text: string): boolean {
  const match = /^spiffe:\/\/([a-z\d._-]{1,255})((?:\/[a-zA-Z\d._-]+)*)$/.exec(text)
  if (!match || text.endsWith('\n') || Buffer.byteLength(text) > 2048) return false
  return !`${match[2]}/`.includes('/./') && !`${match[2]}/`.includes('/../')
}

function refusal(input: unknown): unknown {
  try {
    parseSpiffeId(input)
    return undefined
  } catch (error) {
    if (!hasCode(error, 'SPIFFE_ID_INVALID')) throw error
    return error.details.rule
  }
}
