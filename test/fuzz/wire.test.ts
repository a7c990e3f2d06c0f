import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AttackStage } from '../attack/attack-stage.ts'
import { requestGrantBytes } from '../attack/attacks.ts'
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  frame,
  grpcMessage,
  headerBlock,
  PREFACE,
  TYPE,
} from '../attack/frames.ts'
import { FUZZ_TIMEOUT_MS, fuzz, mutated } from './fuzz.ts'

/** Long enough for an answer; a connection that is still open then has been answered or left waiting for more. */
const PATIENCE_MS = 30

describe('damaged bytes on the wire', () => {
  let stage: AttackStage
  beforeAll(async () => {
    stage = await AttackStage.open()
  })
  afterAll(() => stage.close())

  test(
    'a call: answered or closed, and the broker serves the next client',
    async () => {
      const body = requestGrantBytes(stage)
      const call = (bytes: Uint8Array, method: string) =>
        Buffer.concat([
          PREFACE,
          frame(TYPE.headers, END_HEADERS, 1, headerBlock(callHeaders(method))),
          frame(TYPE.data, END_STREAM, 1, bytes),
        ])
      const method = fc.constantFrom(
        'PlanTask',
        'RequestGrant',
        'RenewLease',
        'ListGrants',
        'ReportActivity',
        'WatchGrant',
      )
      const damaged = fc.oneof(
        fc.tuple(mutated(body), method).map(([bytes, name]) => call(grpcMessage(bytes), name)),
        fc.tuple(mutated(grpcMessage(body)), method).map(([bytes, name]) => call(bytes, name)),
        mutated(call(grpcMessage(body), 'PlanTask')),
      )
      await fuzz('gRPC over the wire', damaged, async (bytes) => {
        const socket = await stage.tls('agents')
        const answered = new Promise<void>((resolve) => {
          socket.once('close', resolve)
          setTimeout(resolve, PATIENCE_MS)
        })
        socket.resume().write(bytes)
        await answered
        socket.destroy()
        expect(stage.broker.gone.aborted).toBe(false)
      })
      expect(await stage.beside(async () => undefined)).toBeGreaterThan(1)
    },
    FUZZ_TIMEOUT_MS,
  )
})
