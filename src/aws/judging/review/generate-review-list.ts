/**
 * Keeps `unreviewed.tsv`, the actions that came with a new version of the table and that nothing but AWS's access level
 * speaks for: no rule about names or services, no fact of a model, no row of the overlay. `npm run generate:actions` adds to
 * it. Whoever reviews an action gives it a row of the overlay, with `reviewed: true` where AWS is right; the next run drops it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { actionsOfService, knownServices, type TableAction } from '../../action-table.ts'
import { judgeAction } from '../judge-action.ts'

const FILE = new URL('./unreviewed.tsv', import.meta.url)
const HEADING = 'action\tclass\twhat AWS says of it'

/** Says what AWS writes of an action. */
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
  writeFileSync(FILE, `${[HEADING, ...lines.sort()].join('\n')}\n`)
  if (lines.length === 0) return
  process.stdout.write(`${lines.length} actions need a review; see src/aws/judging/review/unreviewed.tsv:\n`)
  process.stdout.write(`${lines.map((line) => `  ${line.replaceAll('\t', '  ')}\n`).join('')}`)
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

/** Every action that AWS's level alone speaks for, and that could do harm by it: a list or a tag is what it is called. */
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

/** Lower-case names of the actions of a table, e.g. `s3:getobject`. */
function actionNames(table: string): ReadonlySet<string> {
  const { services } = JSON.parse(table) as { services: Record<string, { actions: readonly string[] }> }
  const names = Object.entries(services).flatMap(([service, { actions }]) =>
    actions.map((row) => `${service}:${row.split(' ')[0]}`.toLowerCase()),
  )
  return new Set(names)
}
