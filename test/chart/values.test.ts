import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { configSchema } from '../../src/config/schema.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { loadPolicySet } from '../../src/policy/policy-directory.ts'
import { parseRegistry } from '../../src/registry/parse-registry.ts'
import { ADMIN_OUTSIDE, BUNDLE_ENDPOINT, DATABASE, good, ISSUER, lay } from './good-values.ts'
import { brokerConfig } from './pod-files.ts'
import { CHART, find, helm, kubernetesProblems, render, type Values } from './render.ts'

interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly definitions?: Readonly<Record<string, Schema>>
}

const text = (name: string) => readFile(join(CHART, name), 'utf8')
const schema = JSON.parse(await text('values.schema.json')) as Schema
const values: unknown = parse(await text('values.yaml'))

describe('values.yaml', () => {
  test('has a comment right above every value', async () => {
    const lines = (await text('values.yaml')).split('\n')
    const bare = lines.filter((line, at) => /^\s*[A-Za-z]+:/.test(line) && !lines[at - 1]?.trimStart().startsWith('#'))
    // Within requests and limits, and peers of the network policy: Kubernetes' own fields.
    const kubernetesOwn = /^ {2,}(requests|limits|cpu|memory|matchLabels|cidr|except):/
    expect(bare.filter((line) => !kubernetesOwn.test(line))).toEqual([])
  })

  test('and its schema name the same values', () => {
    // Values that a parent chart sets have no default here.
    const known = Object.keys(schema.properties ?? {}).filter((key) => key !== 'global' && key !== 'enabled')
    expect(known.sort()).toEqual(Object.keys(values as object).sort())
    expect(strangers(values, schema, '')).toEqual([])
  })
})

describe('values.schema.json', () => {
  test('closes every object but those that are Kubernetes’ own', () => {
    expect(openObjects(schema, '')).toEqual([
      '/global',
      '/topologySpreadConstraints',
      '/extraEnv',
      '/extraVolumes',
      '/extraVolumeMounts',
      '/affinity',
    ])
  })

  test('knows of config what the broker knows, less what the chart sets itself', () => {
    const broker = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema
    const chart = schema.properties?.config ?? {}
    const chartsOwn = [
      /^\/listen(\/|$)/,
      /^\/identity\/server(\/|$)/,
      /^\/identity\/domains\/\*\/(file|format)$/,
      /^\/identity\/workloadApi\/socket$/,
      /^\/identity\/bundleEndpoint\/(listen|certificate)(\/|$)/,
      /^\/registry(\/|$)/,
      /^\/policy\/directory$/,
      /^\/labels(\/|$)/,
      /^\/actions(\/|$)/,
      /^\/ledger\/file$/,
      /^\/admin\/tls(\/|$)/,
      /^\/aws\/(credentials|revokerCredentials)(\/|$)/,
      // The pod has no variables that name a proxy.
      /^\/aws\/proxy\/fromEnvironment$/,
    ]
    const wanted = paths(broker, '').filter((path) => !chartsOwn.some((own) => own.test(path)))
    // A file of the broker is a key of a Secret or a ConfigMap.
    const asFile = (path: string) =>
      path
        .replace(/serviceAccountToken.*$/, 'tokenFile')
        .replace(/signingSecret$/, 'secretFile')
        .replace(/(externalId|ca|bundle|keys|token|credentials|password)(Secret|ConfigMap)$/, '$1File')
    const offered = paths(chart, '')
      .filter((path) => !/(Secret|ConfigMap)\/(name|key)$/.test(path))
      .map(asFile)
    expect([...new Set(offered)].sort()).toEqual(wanted)
  })
})

describe('labels.rules', () => {
  const rules = schema.properties?.labels?.properties?.rules?.items?.properties
  const tags = { key: 'env', values: ['dev'], services: ['ec2'], accounts: ['111111111111'] }
  const whole = {
    label: 'a',
    accounts: ['111111111111'],
    resources: ['arn:aws:ec2:*:{account}:*'],
    marks: [],
    tags: [tags],
  }
  test('take what the broker takes in a label', () => {
    expect(parseLabels({ labels: [whole] }).labels).toHaveLength(1)
    expect(Object.keys(rules ?? {}).sort()).toEqual(Object.keys(whole).sort())
    expect(Object.keys(rules?.tags?.items?.properties ?? {}).sort()).toEqual(Object.keys(tags).sort())
  })
})

describe('Chart.yaml', () => {
  test('is of the same version as the broker', async () => {
    const { version } = JSON.parse(await readFile(join(CHART, '../package.json'), 'utf8')) as { version: string }
    expect(parse(await text('Chart.yaml'))).toMatchObject({ appVersion: version })
  })
})

describe.skipIf(!inject('tools'))('helm', () => {
  test('lints the chart strictly', async () => {
    const { code, stdout } = await helm(['lint', '--strict', CHART], good())
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('0 chart(s) failed') })
  })

  test('renders every values file that the README gives, and the broker takes them', async () => {
    const [first, ...more] = [...(await text('README.md')).matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, example = '']) => parse(example) as Values,
    )
    // The ones after the first are laid on it, as `helm -f` does.
    expect(more.length).toBeGreaterThan(0)
    for (const over of more) {
      const laid = await render(lay(first ?? {}, over))
      expect(Object.keys((await brokerConfig(laid)).identity.domains).length).toBeGreaterThan(0)
    }
    const objects = await render(first ?? {})
    expect(kubernetesProblems(objects.map((object) => [object.kind, object]))).toEqual([])
    expect((await brokerConfig(objects)).roles).toHaveLength(1)
    expect(
      parseRegistry(find(objects, 'ConfigMap', 'stint-registry')?.data?.['agents.yaml'] ?? '').registrations,
    ).toHaveLength(1)
    const folder = await mkdtemp(join(tmpdir(), 'stint-policies-'))
    try {
      for (const [name, content] of Object.entries(find(objects, 'ConfigMap', 'stint-policies')?.data ?? {}))
        await writeFile(join(folder, name), content)
      expect((await loadPolicySet(folder)).policies.map(({ id }) => id)).toEqual(['invoices-read'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('renders the values that docs/identity.md gives, and the broker takes them', async () => {
    const page = await text('../docs/identity.md')
    const given = [...page.matchAll(/```yaml values\n([\s\S]*?)```/g)].map(([, part = '']) => parse(part) as Values)
    expect(given.length).toBeGreaterThan(0)
    const withoutFiles = good({ serverIdentity: { existingSecret: '' }, trustBundles: [] })
    for (const over of given) {
      const { identity } = await brokerConfig(await render(lay(withoutFiles, over)))
      expect(identity).toMatchObject({
        server: 'workload-api',
        workloadApi: { spiffeId: 'spiffe://example.org/stint' },
      })
    }
  })

  test('says in its notes how to reach what was installed', async () => {
    const inside = await notes(good())
    expect(inside).toContain('stint.security.svc:8443')
    expect(inside).toContain('port-forward statefulset/stint 8445:8445')
    expect(inside).toContain('nobody can approve')
    const outside = await notes(good(ADMIN_OUTSIDE))
    expect(outside).toContain('https://stint-admin.security.svc:8445')
    expect(outside).not.toContain('port-forward')
    expect(outside).not.toContain('nobody can approve')
    const database = await notes(good(DATABASE))
    expect(database).toContain('port-forward deployment/stint 8445:8445')
    expect(database).toContain('The ledger is in the database stint at db.example.org')
    expect(database).not.toContain('claim')
    const more = await notes(good(lay(BUNDLE_ENDPOINT, { config: { identity: { oidc: [ISSUER] } } })))
    expect(more).toContain('https://stint-bundle.security.svc:443/')
    expect(more).toContain('only if bound to a certificate')
  })
})

/** NOTES.txt as an operator sees it; helm shows it only with a cluster, so a copy of the chart has it as an object. */
async function notes(over: Values): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'stint-notes-'))
  try {
    await cp(CHART, copy, { recursive: true })
    await rename(join(copy, 'templates/NOTES.txt'), join(copy, 'notes.txt'))
    await writeFile(join(copy, 'templates/notes.yaml'), 'notes: {{ tpl (.Files.Get "notes.txt") . | quote }}\n')
    const { stdout } = await helm(['template', 'stint', copy, '--show-only', 'templates/notes.yaml'], over)
    return (parse(stdout) as { notes: string }).notes
  } finally {
    await rm(copy, { recursive: true })
  }
}

/** Values that the schema does not name. */
function strangers(value: unknown, known: Schema | undefined, path: string): string[] {
  if (known === undefined) return [path]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  if (known.properties === undefined) return []
  return Object.entries(value).flatMap(([key, item]) => strangers(item, known.properties?.[key], `${path}/${key}`))
}

function openObjects(at: Schema, path: string): string[] {
  const isOpen = at.type === 'object' && (at.additionalProperties === undefined || at.additionalProperties === true)
  const below = Object.entries({ ...at.properties, ...at.patternProperties, ...at.definitions }).flatMap(
    ([key, item]) => openObjects(item, `${path}/${key}`),
  )
  const rest = typeof at.additionalProperties === 'object' ? [at.additionalProperties] : []
  const variants = [...rest, ...(at.items ? [at.items] : []), ...(at.oneOf ?? [])].flatMap((item) =>
    openObjects(item, path),
  )
  return [...(isOpen ? [path] : []), ...below, ...variants]
}

/** Every property at any depth, lists left out of the path, `*` for names that are free; sorted, once each. */
function paths(at: Schema, path: string): string[] {
  const own = Object.entries(at.properties ?? {}).flatMap(([key, item]) => [
    `${path}/${key}`,
    ...paths(item, `${path}/${key}`),
  ])
  const values = [at.additionalProperties, ...Object.values(at.patternProperties ?? {})]
  const free = values.flatMap((item) => (typeof item === 'object' ? paths(item, `${path}/*`) : []))
  const variants = [...(at.items ? [at.items] : []), ...(at.oneOf ?? []), ...(at.anyOf ?? [])]
  return [...new Set([...own, ...free, ...variants.flatMap((item) => paths(item, path))])].sort()
}
