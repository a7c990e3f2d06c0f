import { describe, expect, test } from 'vitest'
import { activitiesFromWire } from '../../src/grpc/messages.ts'

const AT = new Date('2026-11-21T12:00:00Z')
const good = {
  at: { seconds: String(AT.getTime() / 1_000), nanos: 0 },
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::a/b',
  note: 'read',
}

/** `change` put into the second of two reports. */
function report(change: Partial<typeof good>) {
  return activitiesFromWire([good, { ...good, ...change }])
}

// What an agent reports of itself stands beside its grant on an operator's screen.
describe('what an agent reports', () => {
  for (const { name, field, change } of [
    { name: 'no-break blanks in the action', field: 'action', change: { action: `s3:Get${'\u00a0'.repeat(9)}Object` } },
    { name: 'an override of direction in the action', field: 'action', change: { action: 's3:\u202etcejbOteG' } },
    { name: 'padding in the resource', field: 'resource', change: { resource: `arn:aws:s3:::a/${' '.repeat(90)}*` } },
    { name: 'Braille blanks in the resource', field: 'resource', change: { resource: 'arn:aws:s3:::a/\u2800\u2800' } },
    { name: 'tags in the note', field: 'note', change: { note: 'done \u{e0041}\u{e0042}' } },
    { name: 'stacked marks in the note', field: 'note', change: { note: `e${'\u0301\u0302'.repeat(9)}` } },
    { name: 'a wall of empty lines in the note', field: 'note', change: { note: `done${'\n'.repeat(90)}really` } },
  ])
    test(`must not hold ${name}`, () => {
      const errors = [expect.objectContaining({ field: `activities[1].${field}` })]
      expect(() => report(change)).toThrow(
        expect.objectContaining({ code: 'REQUEST_INVALID', details: expect.objectContaining({ errors }) }),
      )
    })

  test('may have a note of lines, and no resource', () => {
    const note = 'Read 3 of 5.\nThe others\tare locked.'
    const read = { at: AT, action: 's3:GetObject', resource: '', note }
    expect(report({ resource: '', note })[1]).toEqual(read)
  })
})
