// Fails when an import breaks a rule of import-rules.mjs, or an exception there is no longer needed.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readImports } from './import-graph.mjs'
import { EXCEPTIONS, ROOMS, RULES, TREE } from './import-rules.mjs'

const { imports, modules, violations } = await readImports(process.cwd(), RULES)
const wrong = []

const excused = new Set()
for (const { rule, from, to, cycle } of violations) {
  const exception = EXCEPTIONS.find((one) => one.rule === rule.name && one.from === from && one.to === to)
  excused.add(exception)
  if (exception !== undefined) continue
  const { comment } = RULES.find(({ name }) => name === rule.name)
  const way = cycle === undefined ? to : cycle.map(({ name }) => name).join(' -> ')
  wrong.push(`${from} -> ${way}: ${comment} (${rule.name})`)
}
for (const exception of EXCEPTIONS.filter((one) => !excused.has(one))) {
  wrong.push(`${exception.from} no longer imports ${exception.to}: remove the exception from .ci/import-rules.mjs`)
}

const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())
for (const { name } of folders.filter((folder) => !(folder.name in ROOMS))) {
  wrong.push(`src/${name} is no room of .ci/import-rules.mjs: say what it may import`)
}
const page = readFileSync('docs/architecture.md', 'utf8')
if (!page.includes(TREE.join(' → '))) {
  wrong.push(`docs/architecture.md does not show the tree as it is: ${TREE.join(' → ')}`)
}
for (const [, path] of page.matchAll(/`((?:src|docs|proto|test|helm|[.]ci)\/[a-z0-9_./-]*)`/g)) {
  if (!existsSync(path)) wrong.push(`docs/architecture.md names ${path}, which is not there`)
}
for (const [, file] of page.matchAll(/^(?:[a-zA-Z]+)? +([a-z-]+\/[a-z0-9-]+[.]ts) /gm)) {
  if (!existsSync(`src/${file}`)) wrong.push(`docs/architecture.md names src/${file}, which is not there`)
}

for (const line of wrong) console.error(line)
console.log(
  `${imports} imports of ${modules.length} files, ${RULES.length} rules, ${EXCEPTIONS.length} exceptions, ` +
    `${wrong.length} violations`,
)
process.exit(wrong.length === 0 ? 0 : 1)
