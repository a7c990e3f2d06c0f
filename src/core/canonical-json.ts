import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** Any value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** RFC 8785 (JCS) text of a JSON value: one text for one value, whatever the key order. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('value has no JSON form')
  return text
}

/** Lower-case hex SHA-256 of a text (UTF-8) or bytes. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data)
}
