/**
 * Keeps `unreviewed.tsv`: the actions that came with a new version of the table and whose class rests on AWS's access level
 * alone, with no rule about names or services, no fact of a model and no row of the overlay. `npm run generate:actions` adds to
 * it. Whoever reviews an action gives it a row of the overlay, with `reviewed: true` where AWS is right; the next run drops it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { ACCESS_LEVELS, actionsOfService, knownServices, type TableAction } from '../../action-table.ts'
import { judgeAction } from '../judge-action.ts'

const FILE = new URL('./unreviewed.tsv', import.meta.url)
const HEADING = 'action\tclass\twhat AWS says of it'

/** Describes an action as AWS documents it. */
type Describe = (service: string, name: string) => Promise<string>

/**
 * Brings the list up to date and says how long it is.
 *
 * @param before text of the table that this one replaces.
 */
export async function writeReviewList(before: string, describe: Describe): Promise<void> {
  const listed = readReviewList(readFileSync(FILE, 'utf8'))
  const lines: string[] = []
  for (const found of listForReview(before, listed)) {
    const text = await describe(found.service, found.action.slice(found.service.length + 1))
    lines.push([found.action, judgeAction(found).class, text.replaceAll(/\s+/g, ' ')].join('\t'))
  }
  writeChanges(listChangedClasses(before))
  writeFileSync(FILE, `${[HEADING, ...lines.sort()].join('\n')}\n`)
  if (lines.length === 0) return
  process.stdout.write(`${lines.length} actions need a review; see src/aws/judging/review/unreviewed.tsv:\n`)
  process.stdout.write(`${lines.map((line) => `  ${line.replaceAll('\t', '  ')}\n`).join('')}`)
}

function writeChanges(changed: readonly ChangedAction[]): void {
  if (changed.length === 0) return
  process.stdout.write(`${changed.length} existing actions change their class or flags; say so in CHANGELOG.md:\n`)
  process.stdout.write(changed.map(({ action, was, is }) => `  ${action}  ${was} -> ${is}\n`).join(''))
}

/**
 * The actions that need a review: those that were listed before, and those that the table before did not have.
 *
 * @param before text of the table that this one replaces.
 */
export function listForReview(before: string, listed: readonly string[]): readonly TableAction[] {
  const known = actionNames(before)
  return listUncovered().filter(({ action }) => listed.includes(action) || !known.has(action.toLowerCase()))
}

/** The actions that the text of the list names. */
export function readReviewList(text: string): readonly string[] {
  const lines = text.trimEnd().split('\n').slice(1)
  return lines.map((line) => line.split('\t')[0] ?? '')
}

/** Every action whose class rests on AWS's access level alone, except lists and tag actions, whose names prove the level. */
function listUncovered(): readonly TableAction[] {
  return knownServices().flatMap((service) => {
    const actions = [...(actionsOfService(service)?.values() ?? [])]
    return actions.filter(
      (action) =>
        (action.level === 'read' || action.level === 'write') &&
        judgeAction(action).reasons.every(({ source }) => source === 'aws'),
    )
  })
}

/** An action that both tables have and that the new one classes differently: policies and approvals treat it accordingly. */
interface ChangedAction {
  readonly action: string
  /** Class and flags, e.g. `read +secret`. */
  readonly was: string
  readonly is: string
}

/**
 * The actions whose class or flags changed since the table before, because AWS gives them another access level.
 *
 * @param before text of the table that this one replaces.
 */
export function listChangedClasses(before: string): readonly ChangedAction[] {
  return knownServices().flatMap((service) => {
    const levels = readLevels(before, service)
    return [...(actionsOfService(service) ?? [])].flatMap(([name, action]) => {
      const level = levels.get(name)
      if (level === undefined || level === action.level) return []
      const was = describeJudgement({ ...action, level })
      const is = describeJudgement(action)
      return was === is ? [] : [{ action: action.action, was, is }]
    })
  })
}

function describeJudgement(action: TableAction): string {
  const { class: risk, flags } = judgeAction(action)
  return [risk, ...flags.map((flag) => `+${flag}`)].join(' ')
}

/** Access levels by the lower-case name of the action, from the text of a table. */
function readLevels(table: string, service: string): ReadonlyMap<string, TableAction['level']> {
  const levels = readRows(table)[service]?.actions.flatMap((row) => {
    const [name = '', marks = ''] = row.split(' ')
    const level = ACCESS_LEVELS[marks.charAt(0)]
    return level === undefined ? [] : [[name.toLowerCase(), level] as const]
  })
  return new Map(levels)
}

/** Lower-case names of the actions of a table, e.g. `s3:getobject`. */
function actionNames(table: string): ReadonlySet<string> {
  const names = Object.entries(readRows(table)).flatMap(([service, { actions }]) =>
    actions.map((row) => `${service}:${row.split(' ')[0]}`.toLowerCase()),
  )
  return new Set(names)
}

const parsedTables = new Map<string, Record<string, { readonly actions: readonly string[] }>>()

function readRows(table: string): Record<string, { readonly actions: readonly string[] }> {
  const known = parsedTables.get(table)
  if (known) return known
  const { services } = JSON.parse(table) as { services: Record<string, { actions: readonly string[] }> }
  parsedTables.set(table, services)
  return services
}
