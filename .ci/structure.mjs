// Prints the shape of src/: files per folder, the longest functions, exports without a doc comment, import circles.
//
//   npm run structure              this checkout
//   npm run structure -- <folder>  another checkout, to compare
import './typescript-6/hook.mjs'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ts } from '@ts-morph/common'
import { readImports } from './import-graph.mjs'
import { RULES } from './import-rules.mjs'

const FULL_FOLDER = 15
const FUNCTIONS_SHOWN = 20
const GENERATED = /(^|\/)gen\/|\.generated\./

const checkout = resolve(process.argv[2] ?? '.')
const { modules, circles } = await readImports(checkout, RULES)
const files = modules.map(({ source }) => source).filter((file) => file.endsWith('.ts') && !GENERATED.test(file))
if (files.length === 0) throw new Error(`${checkout} has no src/**/*.ts`)

const functions = []
const exported = []
for (const file of files) {
  const text = readFileSync(resolve(checkout, file), 'utf8')
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  collectFunctions(tree, tree, file)
  collectExports(tree, file)
}

printFolders()
printFunctions()
printExports()
printCircles()

function printFolders() {
  const counts = countBy(files.map((file) => dirname(file)))
  const full = [...counts].filter(([, count]) => count > FULL_FOLDER)
  title(`Files per folder: ${files.length} files in ${counts.size} folders (generated code left out)`)
  for (const [folder, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) row(count, folder)
  title(`Folders with more than ${FULL_FOLDER} files: ${full.length}`)
  for (const [folder, count] of full.sort(([, a], [, b]) => b - a)) row(count, folder)
}

function printFunctions() {
  const byLength = functions.sort((a, b) => b.lines - a.lines)
  const over = (lines) => byLength.filter((one) => one.lines > lines).length
  const median = byLength[Math.floor(byLength.length / 2)].lines
  title(
    `Longest functions, in lines: ${byLength.length} functions, median ${median}, ` +
      `${over(40)} over 40, ${over(60)} over 60, ${over(100)} over 100`,
  )
  for (const { lines, name, place } of byLength.slice(0, FUNCTIONS_SHOWN)) row(lines, `${name}  ${place}`)
}

function printExports() {
  const documented = exported.filter((one) => one.documented).length
  title(
    `Exports: ${exported.length}, with a doc comment ${documented} (${share(documented, exported.length)}), ` +
      `without ${exported.length - documented}`,
  )
  const rooms = Map.groupBy(exported, ({ file }) => file.split('/').slice(0, 2).join('/'))
  for (const [room, all] of [...rooms].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const bare = all.filter((one) => !one.documented).length
    row(bare, `of ${all.length} without: ${room}`)
  }
}

function printCircles() {
  title(`Import circles, type-only imports included: ${circles.length}`)
  for (const { members, atRunTime } of circles) {
    console.log(`  ${atRunTime ? 'at run time' : 'types only'}: ${members.join(' -> ')}`)
  }
}

/** Every function with a body. A function inside another counts for itself and for the one around it. */
function collectFunctions(node, tree, file) {
  if (ts.isFunctionLike(node) && node.body !== undefined) {
    const first = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line
    const last = tree.getLineAndCharacterOfPosition(node.end).line
    functions.push({ lines: last - first + 1, name: functionName(node), place: `${file}:${first + 1}` })
  }
  node.forEachChild((child) => collectFunctions(child, tree, file))
}

function functionName(node) {
  if (ts.isConstructorDeclaration(node)) return `${node.parent.name?.text ?? 'class'}.constructor`
  if (node.name !== undefined) {
    const owner = ts.isClassLike(node.parent) ? `${node.parent.name?.text ?? 'class'}.` : ''
    return owner + node.name.getText()
  }
  for (let around = node.parent; around !== undefined && !ts.isFunctionLike(around); around = around.parent) {
    if (ts.isVariableDeclaration(around) || ts.isPropertyAssignment(around)) return around.name.getText()
  }
  return '(without a name)'
}

/** One entry for each exported name that is declared in this file: what is only passed on has its comment elsewhere. */
function collectExports(tree, file) {
  const declared = new Map()
  const passedOn = new Set()
  for (const statement of tree.statements) {
    if (ts.isExportDeclaration(statement) && statement.moduleSpecifier === undefined) {
      for (const one of statement.exportClause?.elements ?? []) passedOn.add((one.propertyName ?? one.name).text)
    }
    for (const name of declaredNames(statement)) {
      const known = declared.get(name)
      declared.set(name, {
        isExported: known?.isExported || isExport(statement),
        documented: known?.documented || (statement.jsDoc?.length ?? 0) > 0,
      })
    }
  }
  for (const [name, { isExported, documented }] of declared) {
    if (isExported || passedOn.has(name)) exported.push({ file, name, documented })
  }
}

function isExport(statement) {
  return (
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  )
}

function declaredNames(statement) {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((declaration) => declaration.name.getText())
  }
  const isDeclaration =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement)
  return isDeclaration ? [statement.name?.text ?? 'default'] : []
}

function countBy(values) {
  return new Map([...Map.groupBy(values, (value) => value)].map(([value, all]) => [value, all.length]))
}

function share(part, whole) {
  return `${((100 * part) / whole).toFixed(1)} %`
}

function title(text) {
  console.log(`\n${text}`)
}

function row(number, text) {
  console.log(`${String(number).padStart(5)}  ${text}`)
}
