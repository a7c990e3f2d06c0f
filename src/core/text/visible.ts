import { SHOWN_AS_BLANK } from './readable-text.ts'

/**
 * Characters that a terminal obeys instead of showing, or that hide or reorder what stands around them: control and format
 * characters (ANSI escapes, bidirectional overrides), line separators, lone surrogates, characters that show as nothing, and
 * those that show as a blank and are no plain space.
 */
export const HIDDEN_CHARACTERS = new RegExp(
  `(?! )[\\p{C}\\p{Z}\\p{Default_Ignorable_Code_Point}${SHOWN_AS_BLANK}]`,
  'gu',
)

/** A text that somebody else chose, fit for a screen: what is hidden in it shows as `\u{202e}`. */
export function visible(text: string): string {
  return text.replace(HIDDEN_CHARACTERS, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
