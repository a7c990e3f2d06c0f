import { canonicalJson, type Json, sha256Hex } from '../../core/canonical-json.ts'
import type { Config } from '../schema.ts'

/** Rows of these lists go by a name of their own, so that a new row does not change all those after it. */
const ROW_NAMES: Readonly<Record<string, string>> = {
  roles: 'arn',
  'admin.operators': 'name',
  budgets: 'name',
  'identity.oidc': 'alias',
}

/** SHA-256 of all settings, defaults included: the same for files that differ in their order of keys, comments or spelling. */
export function configDigest(config: Config): string {
  return sha256Hex(canonicalJson(toJson(config)))
}

/**
 * Names the settings that differ: `grants.leaseTime`, or `roles.arn:aws:iam::123456789012:role/stint/data` for anything in a row.
 * No value of a setting is in it, except the names of rows.
 */
export function listChanges(before: Config, after: Config): string[] {
  return [...differences(toJson(before), toJson(after), '')]
}

function* differences(before: Json | undefined, after: Json | undefined, path: string): Generator<string> {
  if (text(before) === text(after)) return
  const rowName = ROW_NAMES[path]
  if (rowName !== undefined) return yield* rowDifferences(toRows(before, rowName), toRows(after, rowName), path)
  const [one, other] = [before ?? {}, after ?? {}]
  if (!isSection(one) || !isSection(other)) return yield path
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)]))
    yield* differences(one[key], other[key], path === '' ? key : `${path}.${key}`)
}

function* rowDifferences(before: Rows, after: Rows, path: string): Generator<string> {
  for (const name of new Set([...before.keys(), ...after.keys()]))
    if (text(before.get(name)) !== text(after.get(name))) yield `${path}.${name}`
}

type Rows = ReadonlyMap<string, readonly Json[]>

/** Several rows may have one name, such as an operator with two tokens. */
function toRows(list: Json | undefined, nameKey: string): Rows {
  const rows: readonly Json[] = Array.isArray(list) ? list : []
  return Map.groupBy(rows, (row) => String(isSection(row) ? row[nameKey] : row))
}

/** Instants become texts, and secrets `[redacted]`. */
function toJson(config: Config): Json {
  return JSON.parse(JSON.stringify(config)) as Json
}

function text(value: Json | undefined): string {
  return value === undefined ? '' : canonicalJson(value)
}

function isSection(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
