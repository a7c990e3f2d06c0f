import './typescript-6/hook.mjs'
import { cruise } from 'dependency-cruiser'

/** With fewer imports than this the files have not been read, and every rule would seem to hold. */
const FEWEST_IMPORTS = 500

/**
 * Reads the imports of a checkout's src/, type-only imports included.
 *
 * @param checkout the absolute path of the folder that src/ is in
 * @param rules in dependency-cruiser's form
 * @returns `modules` and `violations` as dependency-cruiser has them, and `circles`: each group of files that reach
 *   each other, once, if a rule forbids circles
 */
export async function readImports(checkout, rules) {
  const { output } = await cruise(
    ['src'],
    {
      baseDir: checkout,
      doNotFollow: { path: 'node_modules' },
      tsPreCompilationDeps: true,
      validate: true,
      ruleSet: { forbidden: rules },
    },
    { exportsFields: ['exports'], conditionNames: ['node', 'import', 'default', 'require'] },
  )
  const modules = output.modules.filter(({ source }) => source.startsWith('src/'))
  const imports = modules.reduce((sum, { dependencies }) => sum + dependencies.length, 0)
  if (imports < FEWEST_IMPORTS) throw new Error(`Only ${imports} imports found in ${checkout}/src: it was not read.`)
  const { violations } = output.summary
  return { modules, imports, violations, circles: groupCircles(violations.filter(({ cycle }) => cycle !== undefined)) }
}

function groupCircles(violations) {
  const groups = []
  for (const { cycle } of violations) {
    const members = new Set(cycle.map(({ name }) => name))
    let atRunTime = cycle.every(({ dependencyTypes }) => !dependencyTypes.includes('type-only'))
    for (const known of groups.filter((group) => !group.members.isDisjointFrom(members))) {
      groups.splice(groups.indexOf(known), 1)
      for (const member of known.members) members.add(member)
      atRunTime ||= known.atRunTime
    }
    groups.push({ members, atRunTime })
  }
  return groups.map(({ members, atRunTime }) => ({ members: [...members].sort(), atRunTime }))
}
