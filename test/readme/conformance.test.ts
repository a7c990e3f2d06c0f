import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SECURITY_HEADERS, STREAM_ENDS } from '../vectors/identity/workload-api.ts'
import { type Case, conformanceCases, type Group } from './conformance-cases.ts'
import { CHECKOUT } from './reader.ts'
import { type Refusal, refused } from './refused-by.ts'

const PAGE = join(CHECKOUT, 'docs/conformance.md')
const UPDATE = 'STINT_UPDATE_DOCS=1 npm test -- test/readme/conformance.test.ts'
/** Numbered cases that need more than a row are tests with the number in their name. */
const NUMBERED_TEST = /\btest\(\s*(['`])([IXSJTBWFOP]\d+) (.*?)\1,/g
const TESTS_OF_CASES = ['test/identity', 'test/grpc', 'test/config']
/** Runs the vectors that are about streams. */
const STREAMS = 'test/identity/workload-api/workload-api-source.test.ts'

test('docs/conformance.md has every case of the vectors, with what refuses it', { timeout: 240_000 }, async () => {
  const { groups, close } = await conformanceCases()
  const parts: string[] = []
  try {
    for (const group of groups) parts.push(await section(group))
  } finally {
    await close()
  }
  const written = `${head(groups)}\n${parts.join('\n')}\n${ownTests()}`
  if (process.env.STINT_UPDATE_DOCS === '1') writeFileSync(PAGE, written)
  expect(readFileSync(PAGE, 'utf8')).toBe(written)
})

test('the README says how many cases there are', () => {
  const [, count = ''] = /^(\d+) cases/m.exec(readFileSync(PAGE, 'utf8')) ?? []
  expect(readFileSync(join(CHECKOUT, 'README.md'), 'utf8')).toMatch(
    new RegExp(`\\[${count}\\s+numbered\\s+cases\\]\\(docs/conformance\\.md\\)`),
  )
})

function head(groups: readonly Group[]): string {
  const all = groups.flatMap(({ cases }) => cases)
  const isRefused = all.filter((each) => each.isRefused).length
  return `# Conformance

<!-- Written by ${UPDATE} -->

${all.length} cases of what an identity may look like: ${isRefused} that must be refused and ${all.length - isRefused} that must be accepted. They are the data of
\`test/vectors/identity/\`; a letter and a number name what is tried, and most numbers have several cases. Each is run by a table
test over the real verifier. This page comes out of running them: the code and the failed check are those of the error, the last
column is the function that refused. "Policy" as a source is this project's choice where the standard leaves one.
`
}

async function section({ title, vectors, cases }: Group): Promise<string> {
  const rows: string[] = []
  for (const each of cases) {
    const cells = [each.id, each.name, each.source, ...(await verdict(each))]
    rows.push(`| ${cells.map(cell).join(' | ')} |`)
  }
  return `## ${title}

${cases.length} cases, [${vectors}](../test/vectors/identity/${vectors}).

| case | what | source | verdict | refused by |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}

/** What became of the case, and by which functions. */
async function verdict({ id, name, isRefused, acts }: Case): Promise<[string, string]> {
  expect(acts.length, `${id} ${name}`).toBeGreaterThan(0)
  if (!isRefused) {
    for (const act of acts) await act()
    return ['accepted', '']
  }
  const refusals: Refusal[] = []
  for (const act of acts) refusals.push(await refused(act))
  const of = (text: (refusal: Refusal) => string) => [...new Set(refusals.map(text))].join(', ')
  return [of(({ code, check }) => `\`${code}\`${check ? ` ${check}` : ''}`), of(({ by }) => link(by))]
}

/** `src/a/b.ts name` as a link to the file. */
function link(by: string): string {
  const [file = '', name = ''] = by.split(' ')
  return `[${file.replace(/^src\//, '')}](../${file}) \`${name}\``
}

/** A cell that no character of a case can break out of. */
function cell(text: string): string {
  return text.replace(/[|<>\\]/g, (character) => `&#${character.charCodeAt(0)};`)
}

function ownTests(): string {
  const inTests = TESTS_OF_CASES.flatMap((folder) =>
    readdirSync(join(CHECKOUT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .flatMap((name) => {
        const file = `${folder}/${name}`
        const found = [...readFileSync(join(CHECKOUT, file), 'utf8').matchAll(NUMBERED_TEST)]
        return found.map(([, , id = '', title = '']) => ownTest(id, title.replace(/\$\{[^}]*\}/g, '…'), file))
      }),
  )
  const streams = STREAM_ENDS.map(({ id, end, reaction }) =>
    ownTest(id, `${reaction} when a stream ends with ${end}`, STREAMS),
  )
  const headers = SECURITY_HEADERS.map(({ id, value, refused: isRefused }) =>
    ownTest(id, `${isRefused ? 'refuses' : 'takes'} ${value ?? 'no'} security header`, STREAMS),
  )
  const byId = [...inTests, ...streams, ...headers].sort(
    (a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }) || a.row.localeCompare(b.row),
  )
  return `## Cases that are tests of their own

What needs a connection, a stream or time is a test with the number in its name.

| case | what | test |
| --- | --- | --- |
${byId.map(({ row }) => row).join('\n')}
`
}

function ownTest(id: string, title: string, file: string): { id: string; row: string } {
  return { id, row: `| ${id} | ${cell(title)} | [${file.replace(/^test\/|\.test\.ts$/g, '')}](../${file}) |` }
}
