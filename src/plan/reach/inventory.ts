import { compileGlob, matches } from '../../aws/glob.ts'
import { StintError } from '../../core/errors.ts'
import { parseInstant } from '../../core/instant.ts'

/** Resources that exist, by ARN, as somebody listed them at one time. */
export interface ResourceInventory {
  readonly takenAt: Date
  /** Sorted, without repeats. */
  readonly arns: readonly string[]
}

/** The resources of an inventory that a pattern means. */
export interface InventoryMatches {
  readonly count: number
  /** The first of them. */
  readonly names: readonly string[]
}

const MAX_ARNS = 1_000_000
const MAX_NAMES = 10
const ARN_FIELDS = ['arn', 'resourcearn', 'resource arn']

/**
 * Reads an inventory of resources in one of these forms: JSON as Resource Explorer's Search and ListResources answer it
 * (`Resources[].Arn`), or a configuration snapshot of AWS Config (`configurationItems[].ARN`); JSON lines, each an ARN or an object
 * with one; or CSV whose header names a column `arn`. A `takenAt` of the document, or of a JSON line of its own, is an instant.
 *
 * @param takenAt for a text that does not say it.
 * @throws {StintError} RESOURCE_INVENTORY_INVALID
 * @see AWS Resource Explorer API Reference, Search; AWS Config Developer Guide, "Example configuration snapshot from AWS Config"
 */
export function parseInventory(text: string, takenAt: Date): ResourceInventory {
  const rows = readRows(text)
  const said = rows.find(({ takenAt }) => takenAt !== undefined)?.takenAt
  const at = said === undefined ? takenAt : parseInstant(String(said))
  if (!at) throw invalid('has a takenAt that is not an instant such as 2026-11-21T12:00:00Z')
  const arns = new Set<string>()
  for (const row of rows) {
    const { arn } = row
    if (arn === undefined) continue
    if (typeof arn !== 'string' || !/^arn:[^:]*:[^:]*:[^:]*:[^:]*:./.test(arn))
      throw invalid('has an entry that is not an ARN, such as arn:aws:s3:::invoices')
    arns.add(arn)
    if (arns.size > MAX_ARNS) throw invalid(`has more than ${MAX_ARNS} resources`)
  }
  return { takenAt: at, arns: [...arns].sort() }
}

/**
 * Finds the resources that a pattern means. Inventories list S3 buckets and no objects, so a pattern of objects means the buckets
 * that they are in.
 *
 * @returns undefined for `*`, which says nothing of what an action can take.
 */
export function matchInventory({ arns }: ResourceInventory, pattern: string): InventoryMatches | undefined {
  if (pattern === '*') return undefined
  const wanted = inventoryPattern(pattern)
  const glob = compileGlob(wanted)
  const start = wanted.slice(0, wanted.search(/[*?]|$/))
  const names: string[] = []
  let count = 0
  for (let at = firstFrom(arns, start); at < arns.length && arns[at]?.startsWith(start); at += 1) {
    const arn = arns[at] ?? ''
    if (!matches(glob, arn)) continue
    count += 1
    if (names.length < MAX_NAMES) names.push(arn)
  }
  return { count, names }
}

function inventoryPattern(pattern: string): string {
  const [, bucket] = /^(arn:[^:]*:s3:::[^/]+)\//.exec(pattern) ?? []
  return bucket ?? pattern
}

/** The first place whose text is not before this one. */
function firstFrom(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') < text) low = middle + 1
    else high = middle
  }
  return low
}

interface Row {
  readonly arn?: unknown
  readonly takenAt?: unknown
}

function readRows(text: string): readonly Row[] {
  const start = text.trimStart()
  if (start === '') throw invalid('is empty')
  if (!/^[{"]/.test(start)) return readCsv(start)
  const whole = tryParse(text)
  if (isFields(whole)) {
    const { Resources, resources = Resources, configurationItems = resources } = whole
    if (Array.isArray(configurationItems)) return [{ takenAt: whole.takenAt }, ...configurationItems.map(toRow)]
    return [toRow(whole)]
  }
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, at) => {
      const value = tryParse(line)
      if (value === undefined) throw invalid(`is not JSON in line ${at + 1}`)
      return toRow(value)
    })
}

function toRow(value: unknown): Row {
  if (typeof value === 'string') return { arn: value }
  if (!isFields(value)) throw invalid('has an entry that is neither an ARN nor an object')
  const field = Object.keys(value).find((name) => ARN_FIELDS.includes(name.toLowerCase()))
  return { arn: field === undefined ? undefined : value[field], takenAt: value.takenAt }
}

function readCsv(text: string): readonly Row[] {
  const [head = '', ...lines] = text.split(/\r?\n/)
  const column = splitCsv(head).findIndex((name) => ARN_FIELDS.includes(name.trim().toLowerCase()))
  if (column < 0) throw invalid('is CSV without a column named arn')
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => ({ arn: splitCsv(line)[column]?.trim() || undefined }))
}

/** The fields of one line; a field in quotes may hold commas, and quotes as two. */
function splitCsv(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  )
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // It is not one JSON document: the caller tries line by line, or reports the problem.
    return undefined
  }
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(explanation: string): StintError {
  return new StintError('RESOURCE_INVENTORY_INVALID', { explanation })
}
