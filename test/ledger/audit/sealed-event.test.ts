import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson, type Json, sha256Hex } from '../../../src/core/canonical-json.ts'
import { dataText, emptyHead, sealedText } from '../../../src/ledger/audit/sealed-event.ts'
import { eventContents, jsonValues } from '../../support/event-contents.ts'
import { sealedEvent } from '../../support/sealed-events.ts'

test('a sealed event hashes the canonical JSON (RFC 8785) of every other field but its position', () => {
  fc.assert(
    fc.property(eventContents, fc.nat(), fc.constantFrom('', 'rpl_1'), (event, seq, chain) => {
      const sealed = sealedEvent({ chain, seq, hash: 'ab'.repeat(32) }, event, 'evt_1')
      const { hash, position, ...hashed } = sealed
      expect(hash).toBe(sha256Hex(canonicalJson({ ...hashed, at: event.at.toISOString() } as Json)))
      expect(sealedText(sealed)).toBe(canonicalJson({ ...hashed, hash, at: event.at.toISOString() } as Json))
      expect('chain' in hashed).toBe(chain !== '')
    }),
  )
})

test('data has the text that canonicalJson gives', () => {
  fc.assert(fc.property(jsonValues, (data) => void expect(dataText(data)).toBe(canonicalJson(data))))
})

for (const data of ['\ud800', { a: '\ud800' }, { '\ud800': 1 }, Number.NaN, { a: Number.POSITIVE_INFINITY }]) {
  test(`data that has no canonical form is refused: ${JSON.stringify(data)}`, () =>
    expect(() =>
      sealedEvent(emptyHead('rpl_1'), { type: 'x', at: new Date(0), actor: 'stint', data }, 'evt_1'),
    ).toThrow())
}
