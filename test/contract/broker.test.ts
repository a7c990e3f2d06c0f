import type { ServiceError } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { brokerService } from '../../src/contract/broker.ts'
import { fromServiceError, toGrpcStatus } from '../../src/contract/error-status.ts'
import { decodeRpcStatus, encodeRpcStatus, STATUS_DETAILS_KEY } from '../../src/contract/rpc-status.ts'
import { fromTimestamp, toOptionalTimestamp, toTimestamp } from '../../src/contract/timestamp.ts'
import { ERROR_CATALOG, type ErrorCode, StintError } from '../../src/core/errors.ts'
import { inputError } from '../../src/core/input-error.ts'

function overTheWire(error: unknown): StintError {
  return fromServiceError(Object.assign(new Error('wire'), toGrpcStatus(error)) as ServiceError)
}

test('the contract loads with every method of the service', () => {
  expect(Object.keys(brokerService).sort()).toEqual([
    'CompleteGrant',
    'GetGrant',
    'ListGrants',
    'PlanTask',
    'RenewLease',
    'ReportActivity',
    'RequestGrant',
    'WatchGrant',
  ])
})

for (const code of Object.keys(ERROR_CATALOG) as ErrorCode[]) {
  test(`${code} survives a gRPC status`, () => {
    const details = {
      explanation: 'Zażółć: one thing was wrong.',
      n: 5,
      list: ['a', { b: null }],
      text: '5',
      yes: true,
    }
    const back = overTheWire(new StintError(code, details))
    expect(back.code).toBe(code)
    expect(back.details).toEqual(details)
    expect(back.retryable).toBe(ERROR_CATALOG[code].retryable)
  })
}

for (const { name, code, expected } of [
  { name: 'a plain UNAVAILABLE of the transport', code: 14, expected: 'BROKER_UNAVAILABLE' },
  { name: 'a plain DEADLINE_EXCEEDED', code: 4, expected: 'DEADLINE_EXCEEDED' },
  { name: 'a plain CANCELLED', code: 1, expected: 'CANCELLED' },
  { name: 'a plain UNIMPLEMENTED', code: 12, expected: 'INTERNAL' },
  { name: 'a plain PERMISSION_DENIED of something in between', code: 7, expected: 'INTERNAL' },
]) {
  test(`${name} is ${expected}`, () => {
    const bare = Object.assign(new Error('x'), { code, details: 'why' }) as ServiceError
    expect(fromServiceError(bare).code).toBe(expected)
  })
}

// What @grpc/grpc-js 1.14 says when a broker is cut off in the middle of a call.
for (const details of [
  'Received RST_STREAM with code 0 (Call ended without gRPC status)',
  'Received RST_STREAM with code 2 (Internal server error)',
]) {
  test(`a stream that was reset is worth another try: ${details}`, () => {
    const error = fromServiceError(Object.assign(new Error('x'), { code: 13, details }) as ServiceError)
    expect([error.code, error.retryable]).toEqual(['BROKER_UNAVAILABLE', true])
  })
}

test('a connection that failed is told by its reason, without what the transport wraps around it', () => {
  const details = 'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: '
  const error = fromServiceError(Object.assign(new Error('x'), { code: 14, details }) as ServiceError)
  expect(error.details.explanation).toBe('There is no connection to the broker (connect ECONNREFUSED 127.0.0.1:1).')
})

test('a code of a newer server falls back to the meaning of its status and is named', () => {
  const { metadata } = toGrpcStatus(new StintError('INTERNAL'))
  metadata.set(
    STATUS_DETAILS_KEY,
    encodeRpcStatus({ code: 14, message: '', errorInfo: { reason: 'NEW_CODE', domain: 'stint.v1', metadata: {} } }),
  )
  const error = fromServiceError(Object.assign(new Error('x'), { code: 14, details: '', metadata }) as ServiceError)
  expect([error.code, error.details.reason]).toEqual(['BROKER_UNAVAILABLE', 'NEW_CODE'])
})

test('the cause of an error never leaves the server', () => {
  const { details, metadata } = toGrpcStatus(new Error('password hunter2'))
  expect(JSON.stringify([details, metadata.getMap()]) + metadata.get(STATUS_DETAILS_KEY)).not.toContain('hunter2')
})

test('lone surrogates and long texts cannot break the trailers', () => {
  const status = toGrpcStatus(
    new StintError('TASK_INVALID', { explanation: `\ud800${'x'.repeat(9_999)}`, big: 'y'.repeat(9_999) }),
  )
  expect(() => encodeURI(status.details)).not.toThrow()
  expect((status.metadata.get(STATUS_DETAILS_KEY)[0] as Buffer).length).toBeLessThan(6_000)
})

test('BadRequest and RetryInfo are filled from the details', () => {
  const { metadata } = toGrpcStatus(
    new StintError('RATE_LIMITED', {
      retryAfterMs: 1_500,
      errors: [{ field: 'task.roleArn', message: 'no' }, 'junk', null],
    }),
  )
  const decoded = decodeRpcStatus(metadata.get(STATUS_DETAILS_KEY)[0] as Buffer)
  expect(decoded?.retryDelayMs).toBe(1_500)
  expect(decoded?.fieldViolations).toEqual([{ field: 'task.role_arn', description: 'no', reason: '' }])
})

test('mistakes have the names of the .proto on the wire, and those of TypeScript on both sides of it', () => {
  const problems = [
    { field: 'task.roleArn', code: 'ROLE_UNKNOWN', message: 'must be a role' },
    { field: 'task.access[0].actions[1]', code: 'ACTION_UNKNOWN', message: 'is refused' },
  ] as const
  const sent = inputError(problems, 'TASK_INVALID')
  const { details: message, metadata } = toGrpcStatus(sent)
  expect(message).toContain('task.role_arn must be a role; task.access[0].actions[1] is refused.')
  const wire = decodeRpcStatus(metadata.get(STATUS_DETAILS_KEY)[0] as Buffer)
  expect(JSON.stringify(wire)).not.toContain('roleArn')
  expect(wire?.fieldViolations?.map(({ field, reason }) => [field, reason])).toEqual([
    ['task.role_arn', 'ROLE_UNKNOWN'],
    ['task.access[0].actions[1]', 'ACTION_UNKNOWN'],
  ])
  expect(overTheWire(sent)).toMatchObject({ code: 'TASK_INVALID', message: sent.message, details: sent.details })
})

test('mistakes that find no room in the trailers are counted', () => {
  const sent = inputError(
    Array.from({ length: 70 }, (_, i) => ({
      field: `task.access[${i}].actions[0]`,
      code: 'ACTION_UNKNOWN' as const,
      message: 'ż'.repeat(300),
    })),
  )
  const { details, metadata } = toGrpcStatus(sent)
  const header = (metadata.get(STATUS_DETAILS_KEY)[0] as Buffer).toString('base64').length + encodeURI(details).length
  expect(header).toBeLessThan(7_500) // of 8 KiB that a header block may have in many stacks
  const back = overTheWire(sent).details
  expect((back.errors as unknown[]).length + (back.omittedErrors as number)).toBe(70)
})

test('bytes that are no status are no status', () => {
  expect(decodeRpcStatus(Buffer.from('ffffffffff', 'hex'))).toBeUndefined()
})

for (const iso of ['2026-11-21T12:00:00.123Z', '1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00.000Z']) {
  test(`${iso} survives a timestamp`, () => expect(fromTimestamp(toTimestamp(new Date(iso)))?.toISOString()).toBe(iso))
}

test('a missing or impossible timestamp is undefined', () => {
  expect(toOptionalTimestamp(undefined)).toBeNull()
  expect(fromTimestamp(null)).toBeUndefined()
  expect(fromTimestamp({ seconds: '99999999999999', nanos: 0 })).toBeUndefined()
})
