import type { TLSSocket } from 'node:tls'
import type { AttackStage } from './attack-stage.ts'
import { requestGrantBytes } from './attacks.ts'
import { callHeaders, END_HEADERS, END_STREAM, frame, grpcMessage, headerBlock, TYPE } from './frames.ts'

/** However it was closed: a reset, too. */
export function closed(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Whether a ping over the connection is answered before it is closed. One that is shut out is held without an answer. */
export async function isServed(socket: TLSSocket): Promise<boolean> {
  const text = Buffer.from(Math.random().toString().slice(2, 10).padEnd(8))
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let read = Buffer.alloc(0)
  const onData = (data: Buffer) => {
    read = Buffer.concat([read, data])
    if (read.includes(text)) resolve(true)
  }
  socket.on('data', onData)
  socket.once('close', () => resolve(false))
  if (socket.destroyed) resolve(false)
  socket.write(frame(TYPE.ping, 0, 0, text))
  try {
    return await promise
  } finally {
    socket.off('data', onData)
  }
}

/** @param options.end a frame that ends each of the streams, made for stream 0 */
export function streams(
  stage: AttackStage,
  { method, end, count, from = 1 }: { method: string; end?: Buffer; count: number; from?: number },
): Buffer[] {
  const headers = headerBlock(callHeaders(method))
  const body = grpcMessage(requestGrantBytes(stage))
  return Array.from({ length: count }, (_, n) => {
    const id = from + 2 * n
    const last = end ? Buffer.from(end) : Buffer.alloc(0)
    if (end) last.writeUInt32BE(id, 5)
    return [frame(TYPE.headers, END_HEADERS, id, headers), frame(TYPE.data, END_STREAM, id, body), last]
  }).flat()
}
