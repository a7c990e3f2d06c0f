import type { StrictJson } from '../../core/documents/strict-json.ts'
import { isJsonObject } from '../../core/documents/strict-json.ts'

/** The claims of a token as they were decoded. */
export type Claims = { readonly [name: string]: StrictJson }

/** A claim that the configuration speaks of. */
export interface ClaimReference {
  /** As the configuration writes it: a short name of the preset, the name of a claim, or a JSON Pointer. */
  readonly name: string
  /** JSON Pointer into the claims, e.g. `/kubernetes.io/namespace`. */
  readonly pointer: string
}

const MAX_DEPTH = 8

/**
 * Resolves a name in the configuration: a short name of the preset first, then a JSON Pointer, then a claim.
 *
 * @returns undefined for a text that can be none of them.
 * @see RFC 6901
 */
export function claimReference(
  name: string,
  fields: Readonly<Record<string, string>> = {},
): ClaimReference | undefined {
  if (name === '' || name.length > 200 || !/^[!-~]+$/.test(name)) return undefined
  const short = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (short !== undefined) return { name, pointer: short }
  if (!name.startsWith('/')) return { name, pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` }
  const steps = name.split('/').length - 1
  return /~(?![01])/.test(name) || steps > MAX_DEPTH ? undefined : { name, pointer: name }
}

/** The claim at a JSON Pointer; undefined where there is none. Lists are not entered. */
export function readClaim(claims: Claims, pointer: string): StrictJson | undefined {
  let value: StrictJson | undefined = claims
  for (const step of pointer.slice(1).split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}
