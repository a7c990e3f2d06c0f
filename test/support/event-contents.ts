import fc from 'fast-check'
import type { Json } from '../../src/core/canonical-json.ts'
import type { EventContent } from '../../src/ledger/records.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const at = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })

export const jsonValues = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)

/** Any event at all, of the catalogue or not. */
export const eventContents: fc.Arbitrary<EventContent> = fc
  .record(
    { type: text, at, actor: text, grantId: text, leaseId: text, data: jsonValues },
    { requiredKeys: ['type', 'at', 'actor'] },
  )
  .map((event) => event as EventContent)
