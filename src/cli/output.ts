import Table from 'cli-table3'
import { Option, type Command as Parser } from 'commander'
import pc from 'picocolors'
import { Document, isScalar, Scalar, visit } from 'yaml'
import type { CommandIo } from './command.ts'
import { hidesSomething, visible, visibleJson, visibleYaml } from './visible.ts'

/** The values of `-o`; `json` and `yaml` are stable, `table` is for people. */
export const OUTPUT_FORMATS = ['table', 'json', 'yaml'] as const
/** One of `OUTPUT_FORMATS`. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** One column of a list: its heading, and the text of a row in it. */
export type Column<T> = readonly [heading: string, cell: (row: T) => unknown]

/** Adds `-o, --output`. */
export function withOutput(parser: Parser): Parser {
  return parser.addOption(
    new Option('-o, --output <format>', 'how to print').choices(OUTPUT_FORMATS).default('table' satisfies OutputFormat),
  )
}

/** Adds `-o, --output` for a list that comes as CSV too. */
export function withListOutput(parser: Parser): Parser {
  const formats = [...OUTPUT_FORMATS, 'csv']
  return parser.addOption(new Option('-o, --output <format>', 'how to print').choices(formats).default('table'))
}

/** The value as JSON or YAML; its shape is stable. Dates are RFC 3339, hidden characters escapes. */
export function printValue(io: CommandIo, format: 'json' | 'yaml', value: unknown): void {
  io.stdout.write(format === 'json' ? `${visibleJson(JSON.stringify(value, undefined, 2))}\n` : toYaml(value))
}

/** A list: a table on a terminal, tab-separated lines elsewhere, or the value itself. */
export function printList<T>(
  io: CommandIo,
  format: OutputFormat,
  list: { readonly rows: readonly T[]; readonly columns: readonly Column<T>[]; readonly value: unknown },
): void {
  if (format !== 'table') {
    printValue(io, format, list.value)
    return
  }
  const headings = list.columns.map(([heading]) => heading)
  const lines = list.rows.map((row) => list.columns.map(([, cell]) => cellText(cell(row))))
  if (!io.stdout.isTTY) {
    for (const line of [headings, ...lines]) io.stdout.write(`${line.join('\t')}\n`)
    return
  }
  const table = new Table({
    head: headings.map((heading) => styles(io).bold(heading)),
    style: { head: [], border: [] },
  })
  table.push(...lines)
  io.stdout.write(`${table.toString()}\n`)
}

/** Facts that belong together. */
export type Section = readonly (readonly [name: string, value: unknown])[]

/**
 * A list as CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe, as OWASP's page on CSV
 * injection says.
 */
export function printCsv<T>(io: CommandIo, rows: readonly T[], columns: readonly Column<T>[]): void {
  const lines = [
    columns.map(([heading]) => heading),
    ...rows.map((row) => columns.map(([, cell]) => cellText(cell(row)))),
  ]
  for (const line of lines) io.stdout.write(`${line.map(toCsvCell).join(',')}\r\n`)
}

function toCsvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Named facts, one a line; several lines of a value are indented. Undefined ones are left out. */
export function printFacts(io: CommandIo, facts: Section): void {
  printSections(io, [facts])
}

/** As `printFacts`, with a blank line between two sections. */
export function printSections(io: CommandIo, sections: readonly Section[]): void {
  const present = sections
    .map((facts) => facts.filter(([, value]) => value !== undefined && value !== ''))
    .filter(({ length }) => length > 0)
  const width = Math.max(0, ...present.flat().map(([name]) => name.length)) + 2
  for (const [index, facts] of present.entries()) {
    if (index > 0) io.stdout.write('\n')
    for (const [name, value] of facts) printFact(io, name, value, width)
  }
}

function printFact(io: CommandIo, name: string, value: unknown, width: number): void {
  const lines = Array.isArray(value) ? value.map(cellText) : [cellText(value)]
  const label = styles(io).bold(`${name}:`.padEnd(width))
  io.stdout.write(`${label}${lines.join(`\n${' '.repeat(width)}`)}\n`)
}

/** For `printFacts`: a fact without lines is left out, rather than shown as an empty one. */
export function linesIfAny(lines: readonly string[]): readonly string[] | undefined {
  return lines.length > 0 ? lines : undefined
}

/** Colours for a terminal, unless NO_COLOR (https://no-color.org) or a dumb one. */
export function styles({ env, stdout }: CommandIo): ReturnType<typeof pc.createColors> {
  return pc.createColors(stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb')
}

function cellText(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (value instanceof Date) return value.toISOString()
  return visible(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

function toYaml(value: unknown): string {
  const document = new Document(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false })
  const quote = (_key: unknown, node: unknown): void => {
    if (isScalar(node) && typeof node.value === 'string' && hidesSomething(node.value)) node.type = Scalar.QUOTE_DOUBLE
  }
  visit(document, { Scalar: quote })
  return visibleYaml(document.toString({ lineWidth: 0 }))
}

/** e.g. `1 pair`, `3 pairs`. */
export function countNoun(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
