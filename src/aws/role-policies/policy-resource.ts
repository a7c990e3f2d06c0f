import type { ResourceType } from '../action-table.ts'
import { splitArn } from '../arn.ts'
import { compileGlob, contains, type Glob, intersects, matches } from '../glob.ts'

/** A resource pattern of a policy or of a plan's pair, ready for questions. */
export interface PolicyResource {
  /** As written, with each variable that nobody could fill as `*`. */
  readonly text: string
  readonly glob: Glob
  /** The six parts of the ARN; undefined for `*`, and for a text with fewer parts. */
  readonly parts: readonly Glob[] | undefined
  readonly isStar: boolean
  /** False if a variable nobody could fill makes it wider than it is: it may mean a resource, and surely means none. */
  readonly exact: boolean
}

/** The values of policy variables, by lower-case key; undefined for one that nobody knows. */
export type FillVariable = (key: string) => string | undefined

/** @see IAM User Guide, "IAM policy elements: Variables and tags": `${key}`, `${key, 'default'}`, and `${*}`, `${?}`, `${$}` */
const VARIABLE = /\$\{([^{}]*)\}/g

/** Reads a resource as a policy writes it, as widely as IAM accepts one. */
export function readPolicyResource(written: string, fill?: FillVariable): PolicyResource {
  let exact = true
  const text = !fill
    ? written
    : written.replace(VARIABLE, (_, name: string) => {
        // A literal * or ? cannot be told from a wildcard here.
        const value = name === '$' ? '$' : name === '*' || name === '?' ? undefined : fill(name.trim().toLowerCase())
        if (value === undefined || /[*?]/.test(value)) exact = false
        return value ?? (name === '?' ? '?' : '*')
      })
  const isStar = /^\*+$/.test(text)
  const { prefix, partition, service, region, account, resource } = splitArn(text)
  const hasParts = !isStar && account !== undefined && resource !== ''
  return {
    text,
    glob: compileGlob(text),
    parts: hasParts
      ? [prefix, partition, service, region, account, resource].map((part) => compileGlob(part ?? ''))
      : undefined,
    isStar,
    exact: exact && (isStar || hasParts),
  }
}

/**
 * True if everything that `inner` may mean is surely meant by `outer`, whether a wildcard ends at a colon or not: AWS's
 * documents are read both ways.
 */
export function surelyCovers(outer: PolicyResource, inner: PolicyResource): boolean {
  if (outer.isStar) return true
  if (!outer.exact || !outer.parts || !inner.parts) return false
  return outer.parts.every((part, at) => contains(part, inner.parts?.[at] ?? part)) && contains(outer.glob, inner.glob)
}

/** True if some resource may be meant by both, under the wider reading, in which wildcards cross colons. */
export function mayMeet(a: PolicyResource, b: PolicyResource): boolean {
  return a.isStar || b.isStar || intersects(a.glob, b.glob)
}

/** True if a pattern may mean a resource of a type. The actions of a service share types, so answers are remembered. */
export function mayMeanType(resource: PolicyResource, type: ResourceType): boolean {
  const { parts } = resource
  if (!parts) return true
  const known = meanings.get(resource) ?? new Map<ResourceType, boolean>()
  meanings.set(resource, known)
  const answer = known.get(type) ?? type.parts.every((part, at) => intersects(part, parts[at] ?? part))
  known.set(type, answer)
  return answer
}

const meanings = new WeakMap<PolicyResource, Map<ResourceType, boolean>>()

/** True if a pattern covers a call that names no resource: IAM compares it with the text `*`. */
export function coversNoResource({ isStar, glob }: PolicyResource): boolean {
  return isStar || matches(glob, '*')
}
