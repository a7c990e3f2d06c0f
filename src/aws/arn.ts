import { StintError } from '../core/errors.ts'
import { BoundedMap } from '../core/limits/bounded-map.ts'
import { printable } from '../core/text/printable.ts'
import { compileGlob, contains, type Glob, intersects } from './glob.ts'
import { isPartition, PARTITIONS, type Partition } from './partitions.ts'

/** A parsed resource of a task, or pattern of a label. */
export interface ResourcePattern {
  /** As written: IAM compares ARNs in their case, so nothing is normalised. */
  readonly text: string
  /** Undefined for `*`. */
  readonly partition: Partition | undefined
  /** The six parts as globs, the last with its colons; empty for `*`. */
  readonly parts: readonly Glob[]
  /** The whole text as one glob. */
  readonly glob: Glob
}

/** An IAM role's ARN, taken apart. */
export interface RoleArn {
  readonly text: string
  readonly partition: Partition
  /** '' with stand-ins for AWS whose roles have none, such as Ceph radosgw's default tenant. */
  readonly accountId: string
  /** Begins and ends with `/`. */
  readonly path: string
  readonly name: string
}

/** Longest resource pattern taken, in characters. */
const MAX_RESOURCE_CHARACTERS = 2_048

/** Most `*` in one pattern. Nobody needs as many, and it bounds the work that a hostile task can cause. */
const MAX_STARS = 32

/** Latin-1 without control characters: what STS takes in a session policy (U+0020 to U+00FF) and a person can read. */
const RESOURCE_TEXT = /^[\u0020-\u007e\u00a0-\u00ff]+$/
const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/
const POLICY = /^arn:aws[a-z-]{0,20}:iam::(\d{12}|):policy\/(?:[!-~]{1,510}\/)?[\w+=,.@-]{1,128}$/
const ROLE = /^arn:([a-z-]{3,20}):iam::(\d{12}|):role(\/(?:[\u0021-\u007e]+\/)?)([\w+=,.@-]{1,64})$/

/**
 * Reads a resource as IAM writes it: `*`, or `arn:partition:service:region:account:resource` with `*` and `?` in the last
 * three parts.
 *
 * @param text at most 2,048 characters.
 * @param options.anyService the service may be `*`, as in `arn:aws:*:*:222222222222:*`, a whole account. Default false.
 * @throws {StintError} RESOURCE_INVALID: no ARN, an unknown partition, a wildcard in partition or service, a region of
 *   another form, an account id of other than 12 digits, more than 32 stars, a policy variable (`${…}` would be filled by IAM,
 *   so nobody could say what it covers), or a character that STS does not take.
 * @see IAM User Guide, "Identify AWS resources with Amazon Resource Names (ARNs)"
 */
export function parseResourcePattern(text: string, { anyService = false } = {}): ResourcePattern {
  if (text.length > MAX_RESOURCE_CHARACTERS)
    throw invalid(text, `it has more than ${MAX_RESOURCE_CHARACTERS} characters`)
  if (text === '*') return { text, partition: undefined, parts: [], glob: compileGlob(text) }
  if (!RESOURCE_TEXT.test(text)) throw invalid(text, 'a session policy takes the printable characters of Latin-1 only')
  if (text.split('*').length > MAX_STARS + 1) throw invalid(text, `it has more than ${MAX_STARS} stars`)
  if (text.includes('${')) throw invalid(text, 'policy variables are not taken; spell the resource')
  const { prefix, partition, service, region, account, resource } = splitArn(text)
  if (prefix !== 'arn' || region === undefined || account === undefined || resource === '') {
    throw invalid(text, 'write `*` or `arn:partition:service:region:account:resource`')
  }
  if (!isPartition(partition)) throw invalid(text, `the partition must be one of ${PARTITIONS.join(', ')}`)
  if (service === undefined || !(/^[a-z0-9-]+$/.test(service) || (anyService && service === '*'))) {
    throw invalid(text, 'the service must be spelled, in lower case and without a wildcard')
  }
  if (region !== '' && !/[*?]/.test(region) && !REGION.test(region)) {
    throw invalid(text, `a region is written like eu-west-1 (got ${region})`)
  }
  if (/^\d+$/.test(account) && account.length !== 12) throw invalid(text, 'an account id has 12 digits')
  const parts = [prefix, partition, service, region, account, resource].map(compileGlob)
  return { text, partition, parts, glob: compileGlob(text) }
}

/** The six parts of an ARN, a pattern or a template of one, unchecked; a part that is not there is undefined. */
export interface ArnParts {
  /** `arn`, if it is one. */
  readonly prefix: string
  readonly partition: string | undefined
  readonly service: string | undefined
  readonly region: string | undefined
  readonly account: string | undefined
  /** The rest, with its colons; '' if there is none. */
  readonly resource: string
}

/** Takes a text apart at its first five colons; nothing is checked. */
export function splitArn(text: string): ArnParts {
  const [prefix = '', partition, service, region, account, ...rest] = text.split(':')
  return { prefix, partition, service, region, account, resource: rest.join(':') }
}

/** The account of an ARN; '' if it names none. Nothing is checked. */
export function arnAccount(arn: string): string {
  return splitArn(arn).account ?? ''
}

/** True for the ARN of a customer-managed policy. */
export function isPolicyArn(text: string): boolean {
  return POLICY.test(text)
}

/**
 * True if all that `inner` stands for is also meant by `outer`, whether a wildcard ends at a colon or not: AWS's documents
 * let only the last part's wildcard cross colons, so both readings have to agree before containment is granted.
 */
export function resourceContains(outer: ResourcePattern, inner: ResourcePattern): boolean {
  if (outer.partition === undefined) return true
  if (inner.partition === undefined) return false
  return outer.parts.every((part, at) => contains(part, inner.parts[at] ?? part)) && contains(outer.glob, inner.glob)
}

/** True if some resource may be meant by both, under the wider reading, in which wildcards cross colons. */
export function resourceIntersects(a: ResourcePattern, b: ResourcePattern): boolean {
  return intersects(a.glob, b.glob)
}

/**
 * Reads a role's ARN; no wildcard anywhere.
 *
 * @returns undefined for anything else.
 * @see IAM API Reference, CreateRole: RoleName (64 characters), Path (512)
 */
export function parseRoleArn(text: string): RoleArn | undefined {
  const known = knownRoles.get(text)
  if (known) return known
  const role = readRoleArn(text)
  if (role) knownRoles.set(text, role)
  return role
}

/** A mint asks for the parts of its role several times, and a broker has few roles. */
const knownRoles = new BoundedMap<RoleArn>({ limit: 1_000 })

function readRoleArn(text: string): RoleArn | undefined {
  const [, partition, accountId, path, name] = text.length <= MAX_RESOURCE_CHARACTERS ? (ROLE.exec(text) ?? []) : []
  if (!isPartition(partition) || accountId === undefined || !path || !name || path.length > 512 || /[*?]/.test(path))
    return undefined
  return Object.freeze({ text, partition, accountId, path, name })
}

function invalid(text: string, why: string): StintError {
  const shown = printable(text, 200)
  return new StintError('RESOURCE_INVALID', {
    resource: shown,
    explanation: `"${shown}" is not a valid resource: ${why}.`,
  })
}
