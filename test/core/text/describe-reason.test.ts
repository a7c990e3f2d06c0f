import { expect, test } from 'vitest'
import { describeReason } from '../../../src/core/text/describe-reason.ts'

const refused = (port: number) =>
  Object.assign(new Error(`connect ECONNREFUSED 127.0.0.1:${port}`), { code: 'ECONNREFUSED' })

for (const { name, error, reason } of [
  { name: 'an error', error: refused(1), reason: 'connect ECONNREFUSED 127.0.0.1:1' },
  // net, autoSelectFamily: an AggregateError without a message
  {
    name: 'the failures of all addresses',
    error: new AggregateError([refused(1), refused(2), refused(1)]),
    reason: 'connect ECONNREFUSED 127.0.0.1:1; connect ECONNREFUSED 127.0.0.1:2',
  },
  { name: 'an error with a code alone', error: Object.assign(new Error(''), { code: 'EPIPE' }), reason: 'EPIPE' },
  { name: 'a text', error: 'socket hang up', reason: 'socket hang up' },
  // @grpc/grpc-js behind a proxy: "Last error: undefined"
  { name: 'a missing reason that was written down', error: 'undefined', reason: 'no reason was given' },
  { name: 'nothing', error: undefined, reason: 'no reason was given' },
  { name: 'an empty error', error: new Error(), reason: 'no reason was given' },
])
  test(`the reason of ${name} is ${reason}`, () => {
    expect(describeReason(error)).toBe(reason)
  })
