import type { FaultRow } from './faults.ts'

/** What a run said of one fault. */
export interface FaultResult {
  /** Of the run, `YYYY-MM-DD`. */
  readonly date: string
  readonly commit: string
  readonly passed: number
  readonly failed: number
}

/** The last results by fault. */
export type LastResults = Readonly<Record<string, FaultResult>>

const HEAD = `<!-- Written by npm run generate:reliability out of test/reliability. -->
# Reliability

What can go wrong, how the tests make it go wrong, and what held the last time. The promises are those of the
[README](../README.md#promises). A *simulation* row runs in \`test/simulation\`, where a seeded scheduler mixes faults, people and
crashes in virtual time ([how to repeat a seed](testing.md#simulation)); all others run the real parts.

After each fault the tests check the same things: every session that STS made has a lease on record, none works longer than it may, what
was revoked is denied, one key has one grant, and the audit chains verify.

| fault | injection | promises | last result |
| --- | --- | --- | --- |
`

const TAIL = `
## Tests

`

/** The page: the table of faults with what the last run of each said, and where its tests are. */
export function renderReliability(faults: readonly FaultRow[], results: LastResults): string {
  const rows = faults.map(
    ({ fault, injection, promises }) => `| ${fault} | ${injection} | ${promises} | ${toWords(results[fault])} |`,
  )
  const tests = faults.map(({ fault, tests: named }) => {
    const items = named.map((one) => `  - ${toItem(one)}`)
    return `- ${fault}\n${items.join('\n')}`
  })
  return `${HEAD}${rows.join('\n')}\n${TAIL}${tests.join('\n')}\n`
}

function toWords(result: FaultResult | undefined): string {
  if (!result) return 'not recorded yet'
  const { date, commit, passed, failed } = result
  return `${failed === 0 ? 'held' : `BROKEN, ${failed} failed`}: ${passed} passed, ${date}, ${commit}`
}

function toItem(named: string): string {
  const [file = '', title = ''] = named.split(' > ')
  return `\`${file}\`: ${title.replaceAll('`', "'")}`
}
