import type { Control, Framework } from './control.ts'

const HEAD = `<!-- Written by STINT_UPDATE_DOCS=1 npm test -- test/frameworks -->
# Frameworks

Which items of common frameworks Stint holds, and the tests that fail if it does not. **Held** means that Stint does what the item
asks of a broker of cloud credentials; **partly**, that a part is left to somebody else, who is named; **outside**, that a broker
cannot see it. Nobody has certified this page. The rows cite items in our own words; read the frameworks themselves for theirs.
`

/** The page: a table for each framework. */
export function renderFrameworks(frameworks: readonly Framework[]): string {
  return [HEAD, ...frameworks.map(renderFramework)].join('\n')
}

function renderFramework({ name, source, controls }: Framework): string {
  const rows = controls.map(renderControl)
  const head = `## ${name}\n\nSource: <${source}>\n\n| item | about | | what Stint does | tests |\n| --- | --- | --- | --- | --- |`
  return `${head}\n${rows.join('\n')}\n`
}

function renderControl({ item, about, coverage, says, tests }: Control): string {
  const files = new Set(tests.map((named) => named.split(' > ')[0] ?? ''))
  const links = [...files].map((file) => `[${file.replace(/^test\/|\.test\.ts$/g, '')}](../${file})`)
  return `| ${item} | ${about} | ${coverage} | ${says} | ${links.join(', ')} |`
}
