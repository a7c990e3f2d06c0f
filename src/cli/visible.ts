import { HIDDEN_CHARACTERS, visible } from '../core/text/visible.ts'

export { visible } from '../core/text/visible.ts'

/** As `visible`, for a text of several lines, whose line ends stay. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n')
}

/** True if `visible` would change it. */
export function hidesSomething(text: string): boolean {
  return text.search(HIDDEN_CHARACTERS) !== -1
}

/** JSON text that stays the same value, with hidden characters as escapes; the line ends of its layout stay. */
export function visibleJson(json: string): string {
  return json.replace(HIDDEN_CHARACTERS, (character) => (character === '\n' ? character : escapeUnits(character)))
}

/** YAML text whose strings with hidden characters are double-quoted; same as `visibleJson`. */
export function visibleYaml(yaml: string): string {
  return yaml.replace(HIDDEN_CHARACTERS, (character) => {
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
