/** One element of a DER text. `children` is filled for constructed elements only. */
export interface DerNode {
  /** The identifier octet, e.g. 0x30 for SEQUENCE, 0xa3 for [3] constructed. */
  readonly tag: number
  readonly content: Uint8Array
  /** The whole element: identifier, length and content. */
  readonly raw: Uint8Array
  readonly children: readonly DerNode[]
}

/** Identifier octets of the universal types that certificates use. X.680, section 8.4. */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
} as const

const MAX_DEPTH = 24

/**
 * Reads exactly one DER element that fills the whole input. Only what certificates use is understood: tags below 31,
 * definite lengths in their shortest form. Everything BER allows beyond that is refused, so that no two readers can see
 * two different certificates in the same bytes.
 *
 * @throws {SyntaxError} what is wrong, without the bytes.
 * @see X.690, section 10
 */
export function readDer(bytes: Uint8Array): DerNode {
  const node = readAt(bytes, 0, MAX_DEPTH)
  if (node.raw.length !== bytes.length) throw new SyntaxError('bytes follow the end of the element')
  return node
}

/** The dotted text of an OBJECT IDENTIFIER element. */
export function oidText(node: DerNode): string {
  if (node.tag !== DER.oid || node.content.length === 0) throw new SyntaxError('not an object identifier')
  const arcs: number[] = []
  let value = 0
  let length = 0
  for (const byte of node.content) {
    if (length === 0 && byte === 0x80) throw new SyntaxError('an object identifier arc is not in its shortest form')
    value = value * 128 + (byte & 0x7f)
    length += 1
    if (length > 6) throw new SyntaxError('an object identifier arc is too long')
    if (byte & 0x80) continue
    arcs.push(value)
    value = 0
    length = 0
  }
  if (length !== 0) throw new SyntaxError('an object identifier is cut off')
  const [first = 0, ...rest] = arcs
  const root = Math.min(Math.floor(first / 40), 2)
  return [root, first - root * 40, ...rest].join('.')
}

/** The value of a BOOLEAN element. */
export function booleanValue(node: DerNode): boolean {
  const [value] = node.content
  if (node.tag !== DER.boolean || node.content.length !== 1 || (value !== 0 && value !== 0xff)) {
    throw new SyntaxError('not a boolean')
  }
  return value === 0xff
}

/** The value of an INTEGER element that must be small and not negative. */
export function smallInteger(node: DerNode): number {
  const [value] = node.content
  if (node.tag !== DER.integer || node.content.length !== 1 || value === undefined || value > 0x7f) {
    throw new SyntaxError('not a small integer')
  }
  return value
}

function readAt(bytes: Uint8Array, start: number, depth: number): DerNode {
  if (depth === 0) throw new SyntaxError('nested too deeply')
  const tag = byteAt(bytes, start)
  if ((tag & 0x1f) === 0x1f) throw new SyntaxError('a tag above 30')
  const { length, contentStart } = readLength(bytes, start + 1)
  const end = contentStart + length
  if (end > bytes.length) throw new SyntaxError('an element is cut off')
  const content = bytes.subarray(contentStart, end)
  const children = tag & 0x20 ? readAll(content, depth - 1) : []
  return { tag, content, raw: bytes.subarray(start, end), children }
}

function readAll(content: Uint8Array, depth: number): DerNode[] {
  const nodes: DerNode[] = []
  for (let at = 0; at < content.length; ) {
    const node = readAt(content, at, depth)
    nodes.push(node)
    at += node.raw.length
  }
  return nodes
}

function readLength(bytes: Uint8Array, at: number): { length: number; contentStart: number } {
  const first = byteAt(bytes, at)
  if (first < 0x80) return { length: first, contentStart: at + 1 }
  const count = first & 0x7f
  if (count === 0 || count > 3) throw new SyntaxError('an indefinite or oversized length')
  let length = 0
  for (let i = 1; i <= count; i++) length = length * 256 + byteAt(bytes, at + i)
  if (length < 0x80 || length < 256 ** (count - 1)) throw new SyntaxError('a length not in its shortest form')
  return { length, contentStart: at + 1 + count }
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new SyntaxError('an element is cut off')
  return byte
}
