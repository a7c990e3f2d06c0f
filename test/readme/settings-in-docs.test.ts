import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { configSchema } from '../../src/config/schema.ts'
import { listPages } from './markdown.ts'
import { CHECKOUT } from './reader.ts'

interface Schema {
  readonly properties?: Record<string, Schema>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema
const chart = parse(readFileSync(join(CHECKOUT, 'helm/values.yaml'), 'utf8')) as Record<string, unknown>
const chartSchema = JSON.parse(readFileSync(join(CHECKOUT, 'helm/values.schema.json'), 'utf8')) as Schema

/** What looks like a setting and is none, by where it comes from. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  'package.json': ['allowScripts'],
  'admin API': ['requestedAfter', 'requestedBefore', 'afterPosition', 'nextAfterPosition', 'nextCursor', 'acceptRisk'],
  'details of an error': [
    'requestId',
    'traceId',
    'providerRequestId',
    'awsRequestId',
    'providerCode',
    'providerMessage',
  ],
  'context of a policy, cases of a test': ['authMethod'],
  'OIDC mapping, described beside its setting': ['tokenId'],
  'values of aws.denyBy': ['sourceIdentity'],
  'data of audit events': ['enforcedBy', 'lagMs'],
  'types of audit events and notices, whose first part is a section': [
    'ledger.quarantined',
    'ledger.set_back',
    'notices.held',
    'kill.set',
    'kill.enforced',
    'kill.lifted',
  ],
  'bodies of notices': ['agentSays'],
  'options and results of the SDK': ['idempotencyKey', 'onGiveUp', 'approvalTimeoutMs'],
  'data of audit events and decisions': ['reuseOf'],
  'Kubernetes and other charts': ['terminationGracePeriodSeconds'],
  'spire-controller-manager': ['className', 'clusterName', 'federatesWith', 'ignoreNamespaces', 'podSelector'],
}
/** Beginnings of dotted names that are no settings: attributes in Cedar, types of audit events, values of a chart around ours. */
const OTHER_SECTIONS =
  /^(rules|principal|resource|context|operator|lease|grant|token|approval|agent|deny|canary|own_session|configuration|agent_watermark|common_watermark|denylist|identity_|global|stint|revocation|deny_list|part|kill)\./
const FILE = /\.(json|pem|key|yaml|ts|env|conf|md|db|cedar)$/

/** The change log speaks of what is no more, two pages name functions, and one the fields of audit events. */
const PAGES_OF_OTHER_NAMES = ['CHANGELOG.md', 'docs/conformance.md', 'docs/architecture.md', 'docs/events.md']

const pages = listPages(CHECKOUT).filter((page) => !PAGES_OF_OTHER_NAMES.includes(page))

/** Code in the running text, without what follows a colon or an equals sign. */
function codeIn(page: string): string[] {
  const prose = readFileSync(join(CHECKOUT, page), 'utf8').replace(/^```.*?^```/gms, '')
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code.replace(/[:=].*/, ''))
}

/** Names of all settings at any depth of a JSON Schema, also within its conditions. */
function namesOf(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return []
  const { properties } = part as Schema
  return [...Object.keys(properties ?? {}), ...Object.values(part).flatMap(namesOf)]
}

/** Whether the schema has this path; the name in a map may hold dots itself, as a trust domain does. */
function has(at: Schema | undefined, path: readonly string[]): boolean {
  if (!at) return false
  const [first, ...rest] = path
  if (first === undefined) return true
  if ([...(at.anyOf ?? []), ...(at.oneOf ?? [])].some((each) => has(each, path))) return true
  if (at.items && has(at.items, path)) return true
  if (has(at.properties?.[first], rest)) return true
  const { additionalProperties: entry } = at
  return typeof entry === 'object' && path.some((_, index) => has(entry, path.slice(index + 1)))
}

function chartHas(path: readonly string[]): boolean {
  let at: unknown = chart
  for (const name of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false
    at = (at as Record<string, unknown>)[name]
  }
  return true
}

const known = new Set([...namesOf(schema), ...namesOf(chartSchema), ...Object.values(OTHERS).flat()])

test('every setting that a page names with its section is one', () => {
  const missing = pages.flatMap((page) =>
    codeIn(page)
      .filter((code) => /^[a-z]\w*(\[\])?(\.(\w+|<\w+>)(\[\])?)+$/.test(code) && !FILE.test(code))
      .filter((code) => !OTHER_SECTIONS.test(code) && !known.has(code))
      .filter((code) => {
        const path = code.replaceAll('[]', '').split('.')
        const inConfig = has(schema, path[0] === 'config' ? path.slice(1) : path)
        return !inConfig && !chartHas(path) && !has(chartSchema, path) && !isHostName(path)
      })
      .map((code) => `${page}: ${code}`),
  )
  expect(missing).toEqual([])
})

/** A name whose first part is no section: `example.org`, `csi.spiffe.io`. */
function isHostName(path: readonly string[]): boolean {
  return !Object.hasOwn(schema.properties ?? {}, path[0] ?? '') && /^(org|io|example|com|goog)$/.test(path.at(-1) ?? '')
}

test('every setting that a page names by itself is one, or is listed as something else', () => {
  const missing = pages.flatMap((page) =>
    codeIn(page)
      .filter((code) => /^[a-z]+[A-Z]\w*$/.test(code) && !known.has(code))
      .map((code) => `${page}: ${code}`),
  )
  expect(missing).toEqual([])
})

test('nothing is listed as something else in vain', () => {
  const named = new Set(pages.flatMap(codeIn))
  expect(
    Object.values(OTHERS)
      .flat()
      .filter((name) => !named.has(name)),
  ).toEqual([])
})
