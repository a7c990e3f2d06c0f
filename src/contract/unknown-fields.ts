import type { PackageDefinition } from '@grpc/proto-loader'

/** A field of a message that this version of the contract does not have. */
export interface UnknownField {
  /** Where the message is, e.g. `task.access[1]`; '' for the request itself. */
  readonly path: string
  readonly number: number
}

/** The part of a DescriptorProto that is needed to tell known fields from others. */
interface MessageDescriptor {
  readonly field: readonly {
    readonly name: string
    readonly number: number
    readonly type: string
    readonly typeName: string
    readonly label: string
  }[]
}

/** Most fields that one refusal names. */
const MAX_FOUND = 20

/**
 * Finds the fields that decoding would drop in silence. A later client may have put a condition there, and a task without it is
 * wider.
 *
 * @param definition has the messages by their full names.
 * @param bytes a message that can be decoded; the search ends at bytes that cannot be read.
 */
export function findUnknownFields(definition: PackageDefinition, message: string, bytes: Uint8Array): UnknownField[] {
  const found: UnknownField[] = []
  const prefix = message.slice(0, message.lastIndexOf('.') + 1)
  const findDescriptor = (name: string) =>
    (definition[prefix + name] ?? definition[name])?.type as MessageDescriptor | undefined
  const root = findDescriptor(message.slice(prefix.length))
  if (root) walk(root, bytes, '')
  return found

  function walk({ field: fields }: MessageDescriptor, own: Uint8Array, path: string): void {
    const seen = new Map<number, number>()
    for (const { number, content } of readFields(own)) {
      const known = fields.find((field) => field.number === number)
      if (!known) {
        const told = found.some((other) => other.path === path && other.number === number)
        if (!told && found.length < MAX_FOUND) found.push({ path, number })
      } else if (known.type === 'TYPE_MESSAGE' && content) {
        const at = seen.get(number) ?? 0
        seen.set(number, at + 1)
        const place = known.label === 'LABEL_REPEATED' ? `${known.name}[${at}]` : known.name
        // The entries of a map have no descriptor, and never more than a key and a value.
        const inner = findDescriptor(known.typeName)
        if (inner) walk(inner, content, path === '' ? place : `${path}.${place}`)
      }
    }
  }
}

/**
 * Yields the fields of a message in order, with the bytes of length-delimited ones.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
function* readFields(bytes: Uint8Array): Generator<{ number: number; content?: Uint8Array }> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++] ?? 0
      if (shift < 49) value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    return value
  }
  while (at < bytes.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    switch (tag % 8) {
      case 0:
        varint()
        break
      case 1:
        at += 8
        break
      case 2: {
        const length = varint()
        yield { number, content: bytes.subarray(at, at + length) }
        at += length
        continue
      }
      case 5:
        at += 4
        break
      default:
        // A group: no version of the contract has any.
        yield { number }
        return
    }
    yield { number }
  }
}
