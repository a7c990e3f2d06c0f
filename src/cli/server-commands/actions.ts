import { ACTION_TABLE_VERSION, expandActions, findAction } from '../../aws/classify.ts'
import { type ActionExplanation, explainAction } from '../../aws/judging/explain-action.ts'
import type { ClassReason } from '../../aws/judging/judge-action.ts'
import type { ResourceFlagRow } from '../../aws/judging/resource-flags.ts'
import { judgeStar, type StarUse } from '../../aws/reach/star.ts'
import { type ActionOverride, NO_OVERRIDES } from '../../plan/action-overrides.ts'
import { loadActionOverrides } from '../../start/rules/load-action-overrides.ts'
import { type CommandIo, runParser } from '../command.ts'
import { linesIfAny, type OutputFormat, printFacts, printList, withOutput } from '../output.ts'

interface Flags {
  readonly output: OutputFormat
  readonly overrides?: string
}

/** `stint actions explain`: what Stint knows of AWS actions. Needs no broker. */
export function actions(io: CommandIo): Promise<number> {
  return runParser('actions', io, (parser) => {
    parser.description('Explain the class of AWS actions; needs no broker.')
    withOutput(parser.command('explain <action...>'))
      .description(
        'Show the class and flags of actions, why they have them, and which resources and condition keys they take. Wildcards list all matches, e.g. "s3:Put*".',
      )
      .option('--overrides <file>', "an operator's overrides of classes (actions.overridesFile), which are checked too")
      .action((patterns: readonly string[], flags: Flags) => explain(io, patterns, flags))
  })
}

async function explain(io: CommandIo, patterns: readonly string[], { output, overrides }: Flags): Promise<void> {
  const own = overrides === undefined ? NO_OVERRIDES : await loadActionOverrides(overrides)
  const names = new Set(patterns.flatMap((pattern) => expandActions(pattern)))
  const rows = [...names].map((name) => withOverride(explainAction(findAction(name)), own.get(name)))
  const [only] = rows
  if (only && rows.length === 1 && output === 'table') printExplanation(io, only)
  else printExplanations(io, output, rows)
}

/** Applies the operator's override, which wins over every rule. */
function withOverride(row: ActionExplanation, override: ActionOverride | undefined): Explained {
  if (!override) return row
  const { class: risk, reason } = override
  return {
    ...row,
    class: risk,
    why: reason,
    reasons: [...row.reasons, { source: 'override', class: risk, flags: [], reason }],
  }
}

type Explained = Omit<ActionExplanation, 'reasons'> & {
  readonly reasons: readonly (Omit<ClassReason, 'source'> & { readonly source: ClassReason['source'] | 'override' })[]
}

function printExplanations(io: CommandIo, output: OutputFormat, rows: readonly Explained[]): void {
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

function printExplanation(io: CommandIo, row: Explained): void {
  const reasons = row.reasons.map(({ source, class: risk, flags, reason }) => {
    const says = [...(risk ? [risk] : []), ...flags.map((flag) => `+${flag}`)].join(' ')
    return `${says || 'no change'} (${source}): ${reason}`
  })
  const types = row.resourceTypes.map(({ name, arn }) => `${name}: ${arn}`)
  printFacts(io, [
    ['Action', row.action],
    ['Class', row.class],
    ['Flags', row.flags.join(', ')],
    ['On some resources', linesIfAny((row.resourceFlags ?? []).map(describeResourceFlags))],
    ['Outlives', row.outlives],
    ['Why', reasons],
    ['Resources', linesIfAny(types) ?? '"*" only'],
    ['On "*"', ON_STAR[judgeStar(findAction(row.action), row.class)]],
    ['Condition keys', linesIfAny(row.conditionKeys)],
    ['Table', ACTION_TABLE_VERSION],
  ])
}

function describeResourceFlags({ flags, resources, reason }: Omit<ResourceFlagRow, 'actions'>): string {
  return `${flags.map((flag) => `+${flag}`).join(' ')} on ${resources.join(', ')}: ${reason}`
}

const ON_STAR: Readonly<Record<StarUse, string>> = {
  nothing_narrower: 'yes: it takes nothing narrower, and only lists or reads',
  returns_secret_by_name: 'yes, if the task names it without a wildcard: a secret comes back',
  reads_configuration: 'yes, unless the role has allowWildcardReads: false: it only lists or reads configuration',
  does_more_by_name:
    'yes, if the task names it without a wildcard: it takes nothing narrower, and does more than list or read',
  needs_resource: 'if the operator allows it (allowWildcard): every call names a resource',
  takes_narrower:
    'if the operator allows it (allowWildcard): it does more than list or read, and takes something narrower',
  returns_secret: 'if the operator allows it (allowWildcard): a secret comes back',
}
