import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** Any value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** RFC 8785 (JCS) text of a JSON value: one text for one value, whatever the key order. */
export function canonicalJson(value: Json): string {
  const sorted = withSortedKeys(value)
  const text = sorted === UNUSUAL ? undefined : JSON.stringify(sorted)
  // JSON.stringify escapes half a surrogate pair, which has no canonical form.
  return text !== undefined && !/\\ud[89a-f]/.test(text) ? text : canonicalText(value)
}

function canonicalText(value: Json): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('value has no JSON form')
  return text
}

/** Stands for a value whose canonical text JSON.stringify might not give. */
const UNUSUAL = Symbol('unusual')

/** A key that JavaScript would put before others, whatever the order in which they are set, or not set as a key at all. */
function isUnusual(key: string): boolean {
  const first = key.charCodeAt(0)
  return (first >= 48 && first <= 57) || key === '__proto__'
}

/** Deeper values would be a burden on the stack. */
const MAX_DEPTH = 64

/**
 * A copy whose keys are in order, for JSON.stringify, which writes it in a fraction of the time. RFC 8785 took the form of strings
 * and numbers from JSON.stringify.
 */
function withSortedKeys(value: unknown, depth = 0): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : UNUSUAL
  if (typeof value !== 'object' || depth >= MAX_DEPTH) return UNUSUAL
  if (Array.isArray(value)) return sortedArray(value, depth + 1)
  if (Object.getPrototypeOf(value) !== Object.prototype) return UNUSUAL
  return sortedObject(value as Record<string, unknown>, depth + 1)
}

function sortedArray(values: readonly unknown[], depth: number): unknown {
  const copy: unknown[] = []
  for (const value of values) {
    const sorted = withSortedKeys(value, depth)
    if (sorted === UNUSUAL) return UNUSUAL
    copy.push(sorted)
  }
  return copy
}

function sortedObject(value: Readonly<Record<string, unknown>>, depth: number): unknown {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value).sort()) {
    if (value[key] === undefined) continue
    const sorted = isUnusual(key) ? UNUSUAL : withSortedKeys(value[key], depth)
    if (sorted === UNUSUAL) return UNUSUAL
    copy[key] = sorted
  }
  return copy
}

/** Lower-case hex SHA-256 of a text (UTF-8) or bytes. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data)
}
