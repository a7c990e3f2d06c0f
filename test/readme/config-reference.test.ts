import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { FOLLOWED_SETTINGS } from '../../src/config/reload/setting-effects.ts'
import { configSchema } from '../../src/config/schema.ts'
import { parseDurationMs } from '../../src/core/duration.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { parseRegistry } from '../../src/registry/parse-registry.ts'
import { fencedBlocks } from './markdown.ts'
import { CHECKOUT } from './reader.ts'

const page = readFileSync(join(CHECKOUT, 'docs/config.md'), 'utf8')
/** `| path | default | allowed | takes effect | what |` */
const rows = page.split('\n').flatMap((line) => {
  if (!line.startsWith('| `')) return []
  const [path = '', shown = '', allowed = '', effect = ''] = line
    .split('|')
    .slice(1)
    .map((cell) => cell.trim().replaceAll('`', ''))
  return [{ path, default: shown, allowed, effect }]
})

interface Schema {
  readonly properties?: Record<string, Schema>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly default?: unknown
}

/** Every setting of the schema, with its default. */
function* settings(schema: Schema, path = ''): Generator<[string, unknown]> {
  const { properties, additionalProperties, items } = schema
  const alternatives = (schema.anyOf ?? schema.oneOf ?? []).filter((each) => each.properties)
  if (properties) {
    for (const [key, value] of Object.entries(properties)) yield* settings(value, path ? `${path}.${key}` : key)
  } else if (typeof additionalProperties === 'object') yield* settings(additionalProperties, `${path}.<name>`)
  else if (items?.properties) yield* settings(items, `${path}[]`)
  else if (alternatives.length > 0) for (const each of alternatives) yield* settings(each, path)
  else yield [path, schema.default]
}

const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema

test('docs/config.md has every setting, no other, and its default', () => {
  const text = (value: unknown) =>
    value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
  const known = Object.fromEntries([...settings(schema)].map(([path, value]) => [path, text(value)]))
  expect(Object.fromEntries(rows.map((row) => [row.path, row.default]))).toEqual(known)
})

/** A setting is followed with everything below it. */
function whenInEffect(path: string): string {
  const isFollowed = FOLLOWED_SETTINGS.some(
    (followed) => path === followed || path.startsWith(`${followed}.`) || path.startsWith(`${followed}[`),
  )
  return isFollowed ? 'at once' : 'restart'
}

test('docs/config.md says of every setting when a change takes effect', () => {
  expect(Object.fromEntries(rows.map(({ path, effect }) => [path, effect]))).toEqual(
    Object.fromEntries(rows.map(({ path }) => [path, whenInEffect(path)])),
  )
})

test('every setting that is followed is a setting', () => {
  const known = [...settings(schema)].map(([path]) => path)
  for (const followed of FOLLOWED_SETTINGS)
    expect(
      known.filter((path) => path.startsWith(followed)),
      followed,
    ).not.toEqual([])
})

test('the smallest file of docs/config.md is one', () => {
  const block = fencedBlocks(page).find(({ flags }) => flags.includes('config'))
  expect(configSchema.safeParse(parse(block?.text ?? '')).error).toBeUndefined()
})

/** What docs/identity.md shows is laid on the smallest file of docs/config.md. */
const identityPage = fencedBlocks(readFileSync(join(CHECKOUT, 'docs/identity.md'), 'utf8'))

test('every configuration of docs/identity.md is one', () => {
  const smallest = parse(fencedBlocks(page).find(({ flags }) => flags.includes('config'))?.text ?? '')
  const blocks = identityPage.filter(({ flags }) => flags.includes('config'))
  expect(blocks.length).toBeGreaterThan(3)
  for (const { text, line } of blocks) {
    const shown = parse(text)
    const whole = { ...smallest, ...shown, identity: { ...smallest.identity, ...shown.identity } }
    expect(configSchema.safeParse(whole).error, `docs/identity.md:${line}`).toBeUndefined()
  }
})

test('the budgets of docs/budgets.md are such', () => {
  const smallest = parse(fencedBlocks(page).find(({ flags }) => flags.includes('config'))?.text ?? '')
  const shown = fencedBlocks(readFileSync(join(CHECKOUT, 'docs/budgets.md'), 'utf8')).filter(({ flags }) =>
    flags.includes('budgets'),
  )
  expect(shown).toHaveLength(1)
  const whole = { ...smallest, ...parse(shown[0]?.text ?? '') }
  expect(configSchema.safeParse(whole).error).toBeUndefined()
})

test('every registration of docs/identity.md is one', () => {
  const blocks = identityPage.filter(({ flags }) => flags.includes('agents'))
  expect(blocks.length).toBeGreaterThan(1)
  for (const { text, line } of blocks)
    expect(parseRegistry(text).registrations, `docs/identity.md:${line}`).toHaveLength(1)
})

test('the agents and the labels of docs/config.md are such files', () => {
  const blockOf = (flag: string) => fencedBlocks(page).find(({ flags }) => flags.includes(flag))?.text ?? ''
  expect(parseRegistry(blockOf('agents')).registrations).toHaveLength(1)
  expect(parseLabels(parse(blockOf('labels'))).labels).toHaveLength(4)
})

for (const { path, allowed } of rows) {
  const [, from = '', to = ''] = /^(\d+\w*) to (\d+\w*)$/.exec(allowed) ?? []
  if (from === '' || /\[\]|<name>/.test(path)) continue
  test(`${path} is allowed ${allowed}, and no further`, () => {
    for (const value of [from, to]) expect(isRefused(path, value), value).toBe(false)
    for (const value of [beyond(from, -1), beyond(to, 1)]) expect(isRefused(path, value), value).toBe(true)
  })
}

function beyond(bound: string, by: number): string {
  const ms = parseDurationMs(bound)
  return ms === undefined ? String(Number(bound) + by) : `${ms + by}ms`
}

/** Whether this value is what the schema finds fault with. */
function isRefused(path: string, value: string): boolean {
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  const section = Object.fromEntries([[last, /^-?\d+$/.test(value) ? Number(value) : value]])
  const config = keys.reduceRight<object>((inner, key) => ({ [key]: inner }), section)
  const issues = configSchema.safeParse(config).error?.issues ?? []
  return issues.some((issue) => issue.path.join('.') === path && !issue.message.includes('maxTaskTime'))
}
