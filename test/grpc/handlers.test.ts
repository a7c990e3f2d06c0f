import { once } from 'node:events'
import { Client, credentials, Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { type AnyCall, unary } from '../../src/grpc/handlers.ts'
import type { CallerIdentity } from '../../src/identity/caller-identity.ts'

const PATH = '/test.Service/Method'
const bytes = (value: Buffer) => value
const METHOD = {
  path: PATH,
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
} as const
const CALLER = { subject: 'spiffe://example.org/a' } as CallerIdentity

let server: Server
let client: Client
/** Of the call that came last: what its work was given, and when grpc-js says that its stream has closed. */
let signal: AbortSignal
let closed: Promise<unknown>
let work: () => Promise<Buffer>
beforeEach(async () => {
  server = new Server()
  const parts = {
    authenticate: async (call: AnyCall) => {
      closed = once(call, 'cancelled')
      return CALLER
    },
    admit: <T>(_caller: CallerIdentity, _kind: string, run: () => Promise<T>) => run(),
    maxCallMs: 10_000,
    stopping: new AbortController().signal,
    random: () => 0,
    onError: () => undefined,
  }
  const handler = unary<Buffer, Buffer>(parts, 'Method', (_caller, _request, given) => {
    signal = given
    return work()
  })
  server.addService({ Method: METHOD }, { Method: handler })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  )
  client = new Client(`127.0.0.1:${await promise}`, credentials.createInsecure())
})
afterEach(() => {
  client.close()
  server.forceShutdown()
})

function send() {
  const { promise, resolve } = Promise.withResolvers<ServiceError | null>()
  const call = client.makeUnaryRequest(PATH, bytes, bytes, Buffer.from('x'), (error) => resolve(error))
  return { call, error: promise }
}

describe('the signal of a unary call', () => {
  for (const [name, answer] of [
    ['answered', async () => Buffer.from('y')],
    ['refused', async () => Promise.reject(new StintError('POLICY_DENIED', {}))],
  ] as const)
    test(`stays as it is once the call was ${name}`, async () => {
      work = answer
      await send().error
      await closed
      expect(signal.aborted).toBe(false)
    })

  test('aborts with CANCELLED when the caller gives up', async () => {
    const began = Promise.withResolvers<void>()
    work = () => {
      began.resolve()
      return once(signal, 'abort').then(() => Buffer.alloc(0))
    }
    const { call, error } = send()
    await began.promise
    call.cancel()
    await Promise.all([error, closed])
    expect(signal.reason).toMatchObject({ code: 'CANCELLED' })
  })
})
