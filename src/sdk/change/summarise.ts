import { nameProblem } from '../../core/text/readable-text.ts'
import { visible } from '../../core/text/visible.ts'
import type { Change, ChangeAction } from '../types.ts'
import type { FoundResource } from './json-parts.ts'

/** The worst first. The broker has the same order, and the same limits. */
const WORST_FIRST: readonly ChangeAction[] = [
  'delete',
  'replace',
  'may_replace',
  'unknown',
  'forget',
  'update',
  'import',
  'create',
  'read',
]
const MAX_RESOURCES = 50
const MAX_TYPE = 100
const MAX_ADDRESS = 200

/** Counts of all resources, and the worst of them by name. */
export function summarise(resources: readonly FoundResource[]): Pick<Change, 'counts' | 'resources'> {
  const groups = Map.groupBy(resources, ({ action }) => action)
  const counted = WORST_FIRST.flatMap((action) => {
    const { length } = groups.get(action) ?? []
    return length > 0 ? [[action, length] as const] : []
  })
  return {
    counts: Object.fromEntries(counted),
    resources: WORST_FIRST.flatMap((action) => groups.get(action) ?? [])
      .slice(0, MAX_RESOURCES)
      .map(({ action, type, address }) => ({ action, type: cut(type, MAX_TYPE), address: cut(address, MAX_ADDRESS) })),
  }
}

/** The name as the broker takes it: what cannot be seen is written as an escape, and the middle of a long one is left out. */
function cut(name: string, max: number): string {
  const shown = nameProblem(name) === undefined ? name : escapeHidden(name)
  const short = cutMiddle([...shown], max)
  // A sequence of characters that belong together may have been cut in two.
  return nameProblem(short) === undefined ? short : cutMiddle([...escapeAll(shown)], max)
}

/** @param max UTF-16 units, as the broker counts them */
function cutMiddle(characters: readonly string[], max: number): string {
  if (characters.join('').length <= max) return characters.join('')
  const half = Math.floor((max - 1) / 2)
  const [head, tail] = [takeUnits(characters, half), takeUnits(characters.toReversed(), half).reverse()]
  return `${head.join('')}…${tail.join('')}`
}

function takeUnits(characters: readonly string[], units: number): string[] {
  let taken = 0
  const end = characters.findIndex(({ length }) => {
    taken += length
    return taken > units
  })
  return characters.slice(0, end === -1 ? characters.length : end)
}

function escapeHidden(name: string): string {
  const plain = visible(name)
  return nameProblem(plain) === undefined ? plain : escapeAll(name)
}

function escapeAll(name: string): string {
  return name.replace(/[^\u0021-\u007e]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
