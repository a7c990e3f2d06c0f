import { SHOWN_AS_BLANK } from '../core/text/readable-text.ts'

/**
 * Characters that a terminal obeys instead of showing, or that hide or reorder what stands around them: control and format
 * characters (ANSI escapes, bidirectional overrides), line separators, lone surrogates, characters that show as nothing, and
 * those that show as a blank and are no plain space.
 */
const HIDDEN = new RegExp(`(?! )[\\p{C}\\p{Z}\\p{Default_Ignorable_Code_Point}${SHOWN_AS_BLANK}]`, 'gu')

/** A text that somebody else chose, fit for a terminal: what is hidden in it shows as `\u{202e}`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/** The same for a text of several lines, whose line ends stay. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n')
}

/** True if `visible` would change it. */
export function hidesSomething(text: string): boolean {
  return text.search(HIDDEN) !== -1
}

/** JSON text that stays the same value, with hidden characters as escapes; the line ends of its layout stay. */
export function visibleJson(json: string): string {
  return json.replace(HIDDEN, (character) => (character === '\n' ? character : escapeUnits(character)))
}

/** YAML text whose strings with hidden characters are double-quoted; same as `visibleJson`. */
export function visibleYaml(yaml: string): string {
  return yaml.replace(HIDDEN, (character) => {
    const point = character.codePointAt(0) ?? 0
    if (character === '\n') return character
    return point > 0xffff ? `\\U${point.toString(16).padStart(8, '0')}` : `\\u${point.toString(16).padStart(4, '0')}`
  })
}

function escapeUnits(character: string): string {
  let escaped = ''
  for (let i = 0; i < character.length; i += 1) {
    escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`
  }
  return escaped
}
