import { PROMISES } from '../promises/promises.ts'

const BEGIN = '<!-- promises: written by STINT_UPDATE_DOCS=1 npm test -- test/readme/readme.test.ts -->'
const END = '<!-- /promises -->'

/** The page with the table of promises between its two comments made anew. */
export function withPromiseTable(page: string): string {
  const [before = '', after = ''] = [page.split(BEGIN)[0], page.split(END)[1]]
  const rows = PROMISES.map(({ promise, says, tests }) => {
    const files = new Set(tests.map((named) => named.split(' > ')[0] ?? ''))
    const links = [...files].map((file) => `[${file.replace(/^test\/|\.test\.ts$/g, '')}](${file})`)
    const [name = '', rest = ''] = says.split(/: (.*)/s)
    return `| ${promise} | ${rest ? `**${name}**: ${rest}` : says} | ${links.join(', ')} |`
  })
  const table = ['| | promise | tests |', '| --- | --- | --- |', ...rows].join('\n')
  return `${before}${BEGIN}\n${table}\n${END}${after}`
}
