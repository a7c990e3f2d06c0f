import { describe, expect, test } from 'vitest'
import { takeTokenApart } from '../../../src/identity/jwt/jwt-token.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

describe('takeTokenApart', () => {
  // RFC 4648, section 3.5: the bits that the last character leaves over are zero; RFC 7515, section 2: no padding.
  for (const before of ['', 'A', 'AA', 'AAA', 'AAAAA', '_-9z'])
    test(`reads the one spelling that bytes have, after ${before === '' ? 'nothing' : before}`, () => {
      for (const last of [...ALPHABET, '+', '/', '=', ' ', '\n', 'é', 'Ā']) {
        const signature = `${before}${last}`
        const isCanonical = Buffer.from(signature, 'base64url').toString('base64url') === signature
        const take = () => takeTokenApart(`e30.e30.${signature}`)
        if (isCanonical) expect(take().claims).toEqual({})
        else expect(take, signature).toThrow(expect.objectContaining({ details: expect.objectContaining(ENCODING) }))
      }
    })

  test('refuses another spelling of header and payload too', () => {
    for (const text of ['e31.e30.AA', 'e30.e31.AA', 'e30=.e30.AA', 'e30.e30\n.AA'])
      expect(() => takeTokenApart(text), text).toThrow(
        expect.objectContaining({ details: expect.objectContaining(ENCODING) }),
      )
  })

  // RFC 8259, section 8.1: UTF-8, without a byte order mark.
  for (const [name, bytes] of [
    ['bytes that are no UTF-8', [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]],
    ['half of a surrogate pair as bytes', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ] as const)
    test(`refuses ${name}`, () =>
      expect(() => takeTokenApart(`e30.${Buffer.from(bytes).toString('base64url')}.AA`)).toThrow(
        expect.objectContaining({ details: expect.objectContaining({ check: 'json' }) }),
      ))
})

const ENCODING = { check: 'encoding' }
