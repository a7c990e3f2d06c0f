import { ACTION_CLASSES, type ActionClass, type ActionFlag } from '../../../aws/action-classes.ts'
import { visible } from '../../../core/text/visible.ts'

/** All classes, so that whoever reads only the beginning reads what matters most. */
export const RISKIEST_FIRST: readonly ActionClass[] = ACTION_CLASSES.toReversed()

/** Each class in the words of somebody who decides. */
export const CLASS_WORDS: Readonly<Record<ActionClass, string>> = {
  escalation: 'act as another identity, or let code run as one',
  permissions: 'change who may do what',
  destructive: 'delete, stop or overwrite for good',
  write: 'create or change',
  tag: 'change tags',
  read: 'read contents',
  list: 'list names and settings',
}

/** The meaning of each flag. */
export const FLAG_WORDS: Readonly<Record<ActionFlag, string>> = {
  secret: 'returns or makes secrets',
  outlives: 'makes something that works on after the grant is revoked',
  shares: 'can open a resource to others',
  audit: 'can hide traces',
}

/** e.g. `1 pair`, `3 pairs`. */
export function countWords(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** A length of time, in its two largest units, e.g. `2 h 5 min`; parts of a second are left out. */
export function durationWords(ms: number): string {
  let seconds = Math.max(0, Math.floor(ms / 1_000))
  const parts: string[] = []
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(seconds / length)
    seconds -= count * length
    if (count > 0) parts.push(`${count} ${unit}`)
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break
  }
  return parts.join(' ') || '0 s'
}

/** A text of somebody else, for a row: what is hidden in it shows, and its end is cut. @param max characters that are shown */
export function cutEnd(text: string, max: number): string {
  const characters = [...visible(text)]
  return characters.length <= max ? characters.join('') : `${characters.slice(0, max - 1).join('')}…`
}

/** As `cutEnd`, but the middle is cut: the end of an ARN names the resource. */
export function cutMiddle(text: string, max: number): string {
  const characters = [...visible(text)]
  if (characters.length <= max) return characters.join('')
  const head = Math.ceil((max - 1) / 2)
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (max - 1 - head)).join('')}`
}
