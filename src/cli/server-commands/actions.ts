import { ACTION_TABLE_VERSION, expandActions, findAction } from '../../aws/classify.ts'
import { type ActionExplanation, explainAction } from '../../aws/judging/explain-action.ts'
import { type CommandIo, runParser } from '../command.ts'
import { linesIfAny, type OutputFormat, printFacts, printList, withOutput } from '../output.ts'

interface Flags {
  readonly output: OutputFormat
}

/** `stint actions explain`: what Stint knows of AWS actions. Needs no broker. */
export function actions(io: CommandIo): Promise<number> {
  return runParser('actions', io, (parser) => {
    parser.description('Show what Stint knows of AWS actions; needs no broker.')
    withOutput(parser.command('explain <action...>'))
      .description(
        'Show the class and flags of actions, why they have them, and which resources and condition keys they take. Wildcards list all matches, e.g. "s3:Put*".',
      )
      .action((patterns: readonly string[], flags: Flags) => explain(io, patterns, flags))
  })
}

function explain(io: CommandIo, patterns: readonly string[], { output }: Flags): void {
  const names = new Set(patterns.flatMap((pattern) => expandActions(pattern)))
  const rows = [...names].map((name) => explainAction(findAction(name)))
  const [only] = rows
  if (only && rows.length === 1 && output === 'table') printExplanation(io, only)
  else printExplanations(io, output, rows)
}

function printExplanations(io: CommandIo, output: OutputFormat, rows: readonly ActionExplanation[]): void {
  printList(io, output, {
    rows,
    columns: [
      ['ACTION', ({ action }) => action],
      ['CLASS', (row) => row.class],
      ['FLAGS', ({ flags }) => flags.join(' ')],
      ['WHY', ({ why }) => why],
    ],
    value: { tableVersion: ACTION_TABLE_VERSION, actions: rows },
  })
}

function printExplanation(io: CommandIo, row: ActionExplanation): void {
  const reasons = row.reasons.map(({ source, class: risk, flags, reason }) => {
    const says = [...(risk ? [risk] : []), ...flags.map((flag) => `+${flag}`)].join(' ')
    return `${says || 'nothing'} (${source}): ${reason}`
  })
  const types = row.resourceTypes.map(({ name, arn }) => `${name}: ${arn}`)
  printFacts(io, [
    ['Action', row.action],
    ['Class', row.class],
    ['Flags', row.flags.join(', ')],
    ['Outlives', row.outlives],
    ['Why', reasons],
    ['Resources', linesIfAny(types) ?? '"*" only'],
    ['Condition keys', linesIfAny(row.conditionKeys)],
    ['Table', ACTION_TABLE_VERSION],
  ])
}
