import { describe, expect, test } from 'vitest'
import { currentCall, duringCall, readCorrelation } from '../../src/core/correlation.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'

const requestIdOf = (requestId: unknown) => readCorrelation({ requestId, traceparent: undefined }, () => 'ours')
const traceIdOf = (traceparent: unknown) => readCorrelation({ requestId: 'r', traceparent }).traceId

describe('a request id', () => {
  for (const sent of [
    '1',
    'req-42',
    '0d9b7b0c-6f0e-4f3e-9a53-0f5d2b2f3c1e',
    '01JD7Z0000EXAMP1E0GRANT000',
    'a'.repeat(64),
  ]) {
    test(`is taken from the caller: ${sent}`, () => expect(requestIdOf(sent)).toEqual({ requestId: sent }))
  }

  for (const { name, sent } of [
    { name: 'nothing', sent: undefined },
    { name: 'an empty text', sent: '' },
    { name: 'more than 64 characters', sent: 'a'.repeat(65) },
    { name: 'a megabyte', sent: 'a'.repeat(1_048_576) },
    { name: 'a line break', sent: 'a\r\nset-cookie: b' },
    { name: 'a line break at its end', sent: 'abcdefgh\n' },
    { name: 'a control character', sent: 'abc\u0000def' },
    { name: 'an escape sequence of terminals', sent: '\u001b[2J' },
    { name: 'a space', sent: 'abc def' },
    { name: 'two values of one header', sent: 'abc, def' },
    { name: 'a Cyrillic look-alike of a Latin letter', sent: 'req-\u0430bc' },
    { name: 'full-width digits', sent: '\uff11\uff12\uff13' },
    { name: 'an invisible character', sent: 'abc\u200bdef' },
    { name: 'a right-to-left mark', sent: 'abc\u202edef' },
    { name: 'markup', sent: '<script>' },
    { name: 'quotes', sent: '"},{"a":"' },
    { name: 'a shell expression', sent: '$(id)' },
    { name: 'a flag of a command', sent: '-rf' },
    { name: 'a path', sent: '../etc/passwd' },
    { name: 'bytes', sent: Buffer.from('abc') },
  ]) {
    test(`is ours in place of ${name}`, () => expect(requestIdOf(sent)).toEqual({ requestId: 'ours' }))
  }

  test('of ours is a UUID', () => {
    const { requestId } = readCorrelation({ requestId: undefined, traceparent: undefined })
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('a trace id', () => {
  for (const { name, sent } of [
    { name: 'version 00', sent: `00-${TRACE}-${PARENT}-01` }, // Trace Context 3.2.3
    { name: 'a trace that is not sampled', sent: `00-${TRACE}-${PARENT}-00` },
    { name: 'a later version', sent: `cc-${TRACE}-${PARENT}-01` }, // Trace Context 4
    { name: 'a later version with more', sent: `cc-${TRACE}-${PARENT}-01-what-the-future-brings` },
  ]) {
    test(`is taken from ${name}`, () => expect(traceIdOf(sent)).toBe(TRACE))
  }

  for (const { name, sent } of [
    { name: 'nothing', sent: undefined },
    { name: 'version ff', sent: `ff-${TRACE}-${PARENT}-01` }, // Trace Context 3.2.2.1
    { name: 'a trace id of zeros', sent: `00-${'0'.repeat(32)}-${PARENT}-01` }, // Trace Context 3.2.2.3
    { name: 'a parent id of zeros', sent: `00-${TRACE}-${'0'.repeat(16)}-01` }, // Trace Context 3.2.2.4
    { name: 'capitals', sent: `00-${TRACE.toUpperCase()}-${PARENT}-01` }, // Trace Context 3.2.2.3
    { name: 'a short trace id', sent: `00-${TRACE.slice(1)}-${PARENT}-01` },
    { name: 'no flags', sent: `00-${TRACE}-${PARENT}` },
    { name: 'version 00 with more', sent: `00-${TRACE}-${PARENT}-01-more` },
    { name: 'a later version that goes on without a hyphen', sent: `cc-${TRACE}-${PARENT}-01.more` },
    { name: 'a line break at its end', sent: `00-${TRACE}-${PARENT}-01\n` },
    { name: 'two values of one header', sent: `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01` },
  ]) {
    test(`is absent for ${name}`, () => expect(traceIdOf(sent)).toBeUndefined())
  }
})

test('the running call is known to all that it waits for, and not to another call', async () => {
  const seen = (requestId: string) =>
    duringCall({ requestId }, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return currentCall()?.requestId
    })
  expect(await Promise.all([seen('a'), seen('b')])).toEqual(['a', 'b'])
  expect(currentCall()).toBeUndefined()
  expect(duringCall({ requestId: 'a' }, () => duringCall(undefined, currentCall))).toBeUndefined()
})
