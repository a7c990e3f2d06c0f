import { expect, test } from 'vitest'
import { matchInventory, parseInventory } from '../../src/plan/reach/inventory.ts'

const AT = new Date('2026-11-28T12:00:00Z')
const BUCKET = 'arn:aws:s3:::prod-data'
const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders'

for (const [name, text] of [
  // AWS Resource Explorer API Reference, Search, response syntax.
  [
    'Resource Explorer',
    JSON.stringify({ Count: { Complete: true }, Resources: [{ Arn: BUCKET, Service: 's3' }, { Arn: TABLE }] }),
  ],
  // AWS Config Developer Guide, "Example configuration snapshot from AWS Config".
  [
    'a snapshot of AWS Config',
    JSON.stringify({ fileVersion: '1.0', configurationItems: [{ ARN: TABLE }, { arn: BUCKET }, { resourceId: 'x' }] }),
  ],
  ['JSON lines of texts', `"${TABLE}"\n"${BUCKET}"\n`],
  ['JSON lines of objects', `{"arn":"${TABLE}"}\n\n{"resourceArn":"${BUCKET}"}`],
  ['CSV', `name,ARN,tags\n"a, b",${TABLE},x\nc,"${BUCKET}",\n`],
] as const)
  test(`${name} is read`, () => {
    expect(parseInventory(text, AT)).toEqual({ takenAt: AT, arns: [TABLE, BUCKET] })
  })

test('the text can say when it was taken', () => {
  const said = new Date('2026-11-01T00:00:00Z')
  expect(parseInventory(`{"takenAt":"2026-11-01T00:00:00Z"}\n"${TABLE}"`, AT).takenAt).toEqual(said)
  expect(parseInventory(JSON.stringify({ takenAt: '2026-11-01T00:00:00Z', Resources: [] }), AT).takenAt).toEqual(said)
})

for (const [name, text] of [
  ['nothing', ''],
  ['CSV without ARNs', 'name,type\na,b'],
  ['a line that is not JSON', `"${TABLE}"\n{`],
  ['an ARN that is none', '"table/orders"\n"x"'],
  ['another time', `{"takenAt":"yesterday"}\n"${TABLE}"`],
] as const)
  test(`${name} is refused`, () => {
    expect(() => parseInventory(text, AT)).toThrow(expect.objectContaining({ code: 'RESOURCE_INVENTORY_INVALID' }))
  })

test('patterns find what they mean, and objects of S3 their bucket', () => {
  const others = Array.from({ length: 30 }, (_, at) => `arn:aws:s3:::prod-${at}`)
  const inventory = parseInventory([BUCKET, TABLE, ...others].map((arn) => JSON.stringify(arn)).join('\n'), AT)
  const found = (pattern: string) => matchInventory(inventory, pattern)
  expect(found(TABLE)).toEqual({ count: 1, names: [TABLE] })
  expect(found('arn:aws:dynamodb:*:123456789012:table/ord*')).toEqual({ count: 1, names: [TABLE] })
  expect(found('arn:aws:s3:::prod-data/2026/*')).toEqual({ count: 1, names: [BUCKET] })
  expect(found('arn:aws:s3:::prod-*')?.count).toBe(31)
  expect(found('arn:aws:s3:::prod-*')?.names).toHaveLength(10)
  expect(found('arn:aws:s3:::dev-*')).toEqual({ count: 0, names: [] })
  expect(found('*')).toBeUndefined()
})
