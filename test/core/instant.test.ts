import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseInstant, startOfDay } from '../../src/core/instant.ts'

for (const { text, utc } of [
  // RFC 3339, section 5.8
  { text: '1985-04-12T23:20:50.52Z', utc: '1985-04-12T23:20:50.520Z' },
  { text: '1996-12-19T16:39:57-08:00', utc: '1996-12-20T00:39:57.000Z' },
  { text: '1990-12-31T23:59:60Z', utc: '1991-01-01T00:00:00.000Z' },
  { text: '1990-12-31T15:59:60-08:00', utc: '1991-01-01T00:00:00.000Z' },
  { text: '1937-01-01T12:00:27.87+00:20', utc: '1937-01-01T11:40:27.870Z' },
  // Section 5.6: letters in lower case, a blank in place of the T; section 4.3: an offset that is not known
  { text: '2026-11-21t12:00:00z', utc: '2026-11-21T12:00:00.000Z' },
  { text: '2026-11-21 12:00:00+02:00', utc: '2026-11-21T10:00:00.000Z' },
  { text: '2026-11-21T12:00:00-00:00', utc: '2026-11-21T12:00:00.000Z' },
  { text: '2026-11-21T12:00:00.123456789+05:30', utc: '2026-11-21T06:30:00.123Z' },
  { text: '2024-02-29T00:00:00Z', utc: '2024-02-29T00:00:00.000Z' },
])
  test(`${text} is ${utc}`, () => {
    expect(parseInstant(text)?.toISOString()).toBe(utc)
  })

for (const text of [
  '2026-11-21',
  '2026-11-21T12:00:00',
  '2026-11-21T12:00Z',
  '2026-02-30T12:00:00Z',
  '2025-02-29T12:00:00Z',
  '2026-13-01T12:00:00Z',
  '2026-11-21T24:00:00Z',
  '2026-11-21T12:60:00Z',
  '2026-11-21T12:00:61Z',
  '2026-11-21T12:00:00+24:00',
  '2026-11-21T12:00:00+01',
  '2026-11-21T12:00:00+0100',
  '2026-11-21T12:00:00.Z',
  ' 2026-11-21T12:00:00Z',
  '2026-11-21T12:00:00Z\n',
  '+002026-11-21T12:00:00Z',
  'yesterday',
  '',
])
  test(`${JSON.stringify(text)} is no instant`, () => {
    expect(parseInstant(text)).toBeUndefined()
  })

test('every instant that we write is read as itself, in any offset', () => {
  const instants = fc.date({
    min: new Date('0001-01-02T00:00:00Z'),
    max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true,
  })
  const offsets = fc.integer({ min: -1_439, max: 1_439 })
  fc.assert(
    fc.property(instants, offsets, (instant, minutes) => {
      const local = new Date(instant.getTime() + minutes * 60_000).toISOString().slice(0, -1)
      const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((n) =>
        String(n).padStart(2, '0'),
      )
      const text = `${local}${minutes < 0 ? '-' : '+'}${hours}:${rest}`
      expect(parseInstant(text)).toEqual(instant)
    }),
  )
})

test('a day is its start in UTC, and its month has to have it', () => {
  expect(startOfDay('2026-11-21')?.toISOString()).toBe('2026-11-21T00:00:00.000Z')
  expect([startOfDay('2026-02-30'), startOfDay('2026-11-21T00:00:00Z'), startOfDay('26-11-21')]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})
