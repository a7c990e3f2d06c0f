/**
 * Splits DER certificates that follow each other without padding. Only where one ends is read here; what is in it is for
 * the certificate parser.
 *
 * @throws {SyntaxError} when the bytes are no such sequence, e.g. PEM, or more than `limit` certificates.
 * @see SPIFFE Workload API, section 5.2.1
 */
export function splitDer(bytes: Uint8Array, limit: number): readonly Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    if (parts.length === limit) throw new SyntaxError(`more than ${limit} certificates`)
    const end = at + elementLength(bytes, at)
    if (end > bytes.length) throw new SyntaxError('a certificate is cut off')
    parts.push(new Uint8Array(bytes.subarray(at, end)))
    at = end
  }
  return parts
}

/** Header and content; a SEQUENCE with one to three length octets, as every certificate of a sane size has. */
function elementLength(bytes: Uint8Array, at: number): number {
  const [tag, first = 0x80] = bytes.subarray(at, at + 2)
  if (tag !== 0x30) throw new SyntaxError('not DER certificates')
  if (first < 0x80) return 2 + first
  const octets = first - 0x80
  if (octets < 1 || octets > 3) throw new SyntaxError('not DER certificates')
  const length = bytes.subarray(at + 2, at + 2 + octets).reduce((sum, octet) => sum * 256 + octet, 0)
  return 2 + octets + length
}
