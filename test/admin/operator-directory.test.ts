import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { createOperatorDirectory, MAX_TOKEN_LIFE_MS } from '../../src/admin/operators/operator-directory.ts'
import { mintOperatorToken, operatorTokenHash, operatorTokenId } from '../../src/admin/operators/operator-tokens.ts'
import { ManualClock } from '../support/manual-clock.ts'

const clock = new ManualClock()
const { token, id, sha256 } = mintOperatorToken()
const row = {
  name: 'ada',
  role: 'operator',
  tokenSha256: sha256,
  groups: ['owners'],
  subjects: ['spiffe://example.org/ci/deploy'],
  expiresAt: new Date(clock.now().getTime() + 86_400_000),
}
const load = (...rows: unknown[]) => createOperatorDirectory({ rows, clock })

test('a minted token carries its id and a checksum, and prints as redacted', () => {
  assert.match(token.reveal(), /^stint_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/)
  assert.equal(operatorTokenId(token.reveal()), id)
  assert.equal(operatorTokenHash(token.reveal()), sha256)
  assert.ok(!inspect({ token, id, sha256 }).includes(token.reveal()))
})

test('the secret part keeps all 32 random bytes, also the largest and the smallest', () => {
  for (const byte of [0, 255]) {
    const text = mintOperatorToken((bytes) => new Uint8Array(bytes).fill(byte)).token.reveal()
    assert.equal(text.length, 'stint_'.length + 12 + 1 + 43 + 6)
    assert.ok(operatorTokenId(text))
  }
})

test('one changed character is told from a token by its checksum alone', () => {
  const text = token.reveal()
  const anyChange = fc.tuple(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1, unit: 'grapheme-ascii' }))
  fc.assert(
    fc.property(anyChange, ([at, character]) => {
      fc.pre(text[at] !== character)
      assert.equal(operatorTokenId(text.slice(0, at) + character + text.slice(at + 1)), undefined)
    }),
    { numRuns: 300 },
  )
})

test('the right token gives the operator, without the hash', () => {
  const { tokenSha256: _, expiresAt: __, ...operator } = row
  assert.deepEqual(load(row).authenticate(`Bearer ${token.reveal()}`), operator)
  assert.deepEqual(load(row).authenticate(`bearer ${token.reveal()}`), operator) // RFC 9110 11.1: schemes ignore case
})

test('a name may have a second token while the first is being replaced', () => {
  const next = mintOperatorToken()
  const directory = load(row, { ...row, tokenSha256: next.sha256 })
  assert.equal(directory.authenticate(`Bearer ${token.reveal()}`).name, 'ada')
  assert.equal(directory.authenticate(`Bearer ${next.token.reveal()}`).name, 'ada')
})

describe('OPERATOR_UNKNOWN', () => {
  const text = token.reveal()
  for (const { name, header, reason, rows = [row] } of [
    { name: 'no header', header: undefined, reason: 'missing' },
    { name: 'an empty header', header: '', reason: 'missing' },
    { name: 'another scheme', header: `Basic ${text}`, reason: 'malformed' },
    { name: 'no scheme', header: text, reason: 'malformed' },
    { name: 'two tokens', header: `Bearer ${text} ${text}`, reason: 'malformed' },
    { name: 'two headers joined by a proxy', header: `Bearer ${text}, Bearer ${text}`, reason: 'malformed' },
    { name: 'a typing error', header: `Bearer ${text.slice(0, -1)}`, reason: 'malformed' },
    { name: 'the hash in place of the token', header: `Bearer ${sha256}`, reason: 'malformed' },
    { name: 'a very long header', header: `Bearer ${'a'.repeat(100_000)}`, reason: 'malformed' },
    { name: 'a token of nobody', header: `Bearer ${mintOperatorToken().token.reveal()}`, reason: 'unknown' },
    { name: 'any token when nobody is listed', header: `Bearer ${text}`, reason: 'unknown', rows: [] },
    {
      name: 'a token that expires this instant',
      header: `Bearer ${text}`,
      reason: 'expired',
      rows: [{ ...row, expiresAt: clock.now() }],
    },
  ]) {
    test(name, () => {
      const directory = load(...rows)
      assert.throws(
        () => directory.authenticate(header),
        (error: unknown) => {
          assert.ok(!inspect(error).includes(text), 'the error holds the token')
          const { code, details } = error as { code: string; details: Record<string, unknown> }
          assert.equal(code, 'OPERATOR_UNKNOWN')
          assert.equal(details.reason, reason)
          return true
        },
      )
    })
  }
})

describe('CONFIG_INVALID', () => {
  const later = (ms: number) => new Date(clock.now().getTime() + ms)
  for (const { name, rows, path } of [
    {
      name: 'a name in two spellings, one of them free of its subjects',
      rows: [
        { ...row, name: 'mara' },
        { ...row, name: 'Mara', subjects: [], tokenSha256: 'a'.repeat(64) },
      ],
      path: 'operators.1.name',
    },
    {
      name: 'a token for more than 90 days',
      rows: [{ ...row, expiresAt: later(MAX_TOKEN_LIFE_MS + 1) }],
      path: 'operators.0.expiresAt',
    },
    { name: 'a token without an end', rows: [{ ...row, expiresAt: undefined }], path: 'operators.0.expiresAt' },
    {
      name: 'an end that is no date',
      rows: [{ ...row, expiresAt: new Date(Number.NaN) }],
      path: 'operators.0.expiresAt',
    },
    { name: 'an unknown role', rows: [{ ...row, role: 'root' }], path: 'operators.0.role' },
    {
      name: 'the token itself in place of its hash',
      rows: [{ ...row, tokenSha256: token.reveal() }],
      path: 'operators.0.tokenSha256',
    },
    {
      name: 'a hash in upper case',
      rows: [{ ...row, tokenSha256: sha256.toUpperCase() }],
      path: 'operators.0.tokenSha256',
    },
    { name: 'a name that could break a log line', rows: [{ ...row, name: 'ada\nroot' }], path: 'operators.0.name' },
    { name: 'an unknown key', rows: [{ ...row, admin: true }], path: 'operators.0' },
    { name: 'one token for two operators', rows: [row, { ...row, name: 'bob' }], path: 'operators.1.tokenSha256' },
    {
      name: 'one name with two roles',
      rows: [row, { ...row, tokenSha256: 'a'.repeat(64), role: 'admin' }],
      path: 'operators.1.name',
    },
    { name: 'a row that is no object', rows: ['ada'], path: 'operators.0' },
  ]) {
    test(name, () => {
      assert.throws(
        () => load(...rows),
        (error: unknown) => {
          assert.ok(!inspect(error).includes(token.reveal()), 'the error holds the token')
          const { code, details } = error as { code: string; details: { problems: { path: string }[] } }
          assert.equal(code, 'CONFIG_INVALID')
          assert.deepEqual(
            details.problems.map((problem) => problem.path),
            [path],
          )
          return true
        },
      )
    })
  }

  test('a token for exactly 90 days is fine', () => {
    load({ ...row, expiresAt: later(MAX_TOKEN_LIFE_MS) })
  })
})
