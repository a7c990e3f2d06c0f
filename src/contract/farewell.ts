import { ERROR_CATALOG, type ErrorCode } from '../core/errors.ts'

/** Begins the debug data of the GOAWAY; the error code follows. */
const PREFIX = 'stint:'
const [SETTINGS, GOAWAY] = [0x4, 0x7]
/** INADEQUATE_SECURITY (RFC 9113, section 7): a gRPC client gives up at once, with PERMISSION_DENIED. */
const REASON = 0xc
const HEADER_BYTES = 9

/**
 * The farewell of a server to a client whose certificate it does not accept: in TLS 1.3 the client's handshake is over by then,
 * and no alert can say more than a word. It is HTTP/2 that any client reads: no settings, and a GOAWAY before any call.
 *
 * @see RFC 9113, sections 3.4, 6.5 and 6.8
 */
export function farewell(code: ErrorCode): Buffer {
  const debug = Buffer.from(PREFIX + code)
  const reason = Buffer.alloc(8)
  reason.writeUInt32BE(REASON, 4)
  return Buffer.concat([frame(SETTINGS, Buffer.alloc(0)), frame(GOAWAY, Buffer.concat([reason, debug]))])
}

/**
 * Reads the begin of what a server has sent.
 *
 * @returns the code of a farewell; `accepted` when something else has come; undefined while too little has come to tell.
 */
export function readFarewell(bytes: Buffer): ErrorCode | 'accepted' | undefined {
  let rest = bytes
  while (rest.length >= HEADER_BYTES) {
    const end = HEADER_BYTES + rest.readUIntBE(0, 3)
    const type = rest.readUInt8(3)
    if (type !== SETTINGS && type !== GOAWAY) return 'accepted'
    if (type === SETTINGS && end > HEADER_BYTES) return 'accepted'
    if (rest.length < end) return undefined
    if (type === GOAWAY) return readCode(rest.subarray(HEADER_BYTES + 8, end).toString('latin1'))
    rest = rest.subarray(end)
  }
  return undefined
}

function readCode(debug: string): ErrorCode | 'accepted' {
  const code = debug.startsWith(PREFIX) ? debug.slice(PREFIX.length) : ''
  return Object.hasOwn(ERROR_CATALOG, code) ? (code as ErrorCode) : 'accepted'
}

function frame(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(type, 3)
  return Buffer.concat([header, payload])
}
