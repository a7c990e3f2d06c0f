/** Options of `readText` besides one line of words. */
export interface TextRule {
  /** True if line breaks and tabs may stand in it. Default false. */
  readonly lines?: boolean
}

/** The text as it may be shown and stored, or what is wrong with it: the end of a sentence that names the field. */
export type ReadableText = { readonly text: string } | { readonly problem: string }

/** Scripts in which a joiner decides how letters look (Unicode Standard, section 23.2). */
const JOINED_SCRIPTS = [
  'Arabic',
  'Syriac',
  'Mongolian',
  'Devanagari',
  'Bengali',
  'Gurmukhi',
  'Gujarati',
  'Oriya',
  'Tamil',
  'Telugu',
  'Kannada',
  'Malayalam',
  'Sinhala',
  'Khmer',
  'Myanmar',
  'Tibetan',
]
const JOINED = `[${JOINED_SCRIPTS.map((script) => `\\p{Script=${script}}`).join('')}]`

/**
 * Characters that show as a blank though Unicode does not count them as one, as the inside of a character class: Braille
 * blank, ideographic half fill, object replacement, null notehead, Khitan filler.
 */
export const SHOWN_AS_BLANK = '\\u2800\\u303f\\ufffc\\u{1d159}\\u{16fe4}'

const BLANK_RUN = 3
const SAME_CHARACTER_RUN = 20
const WORDLESS_RUN = 40
const MARK_RUN = 4

interface Rule {
  readonly broken: RegExp
  readonly problem: string
}

/** Checked in this order; the first that is broken is told. */
const SEEN_AS_IT_IS: readonly Rule[] = [
  {
    // Unicode TR36, "Bidirectional Text Spoofing"; UAX 44, Default_Ignorable_Code_Point. Tags, which a model reads and a
    // person does not see, are among them. Joiners and emoji's variation selectors have rules of their own below.
    broken: /(?!\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u,
    problem: 'must not hold control characters or invisible ones',
  },
  {
    // They look like padding.
    broken: new RegExp(`[${SHOWN_AS_BLANK}]`, 'u'),
    problem: 'must not hold characters that show as a blank: write plain spaces',
  },
  {
    broken: new RegExp(
      `(?<!\\p{Emoji})[\\ufe0e\\ufe0f]|(?<!${JOINED}|\\p{Extended_Pictographic}|\\p{Emoji_Modifier}|\\ufe0f)[\\u200c\\u200d]|[\\u200c\\u200d](?!${JOINED}|\\p{Emoji})`,
      'u',
    ),
    problem: 'must not hold a joiner or a variation selector that joins or selects nothing',
  },
  {
    // UTS 39, section 5.4: at most four, and never the same one twice.
    broken: new RegExp(`(^|\\s)\\p{M}|\\p{M}{${MARK_RUN + 1},}|(\\p{M})\\2`, 'u'),
    problem: `must not stack marks: at most ${MARK_RUN} different ones may stand on a letter`,
  },
  {
    broken: new RegExp(`\\s{${BLANK_RUN + 1},}`, 'u'),
    problem: `must not have more than ${BLANK_RUN} blanks in a row`,
  },
]
const NO_WALLS: readonly Rule[] = [
  {
    broken: new RegExp(`(.)\\1{${SAME_CHARACTER_RUN},}`, 'u'),
    problem: `must not have the same character more than ${SAME_CHARACTER_RUN} times in a row`,
  },
  {
    broken: new RegExp(`[^\\p{L}\\p{N}]{${WORDLESS_RUN + 1},}`, 'u'),
    problem: `must not have more than ${WORDLESS_RUN} characters in a row without a letter or a digit`,
  },
]

/**
 * The one rule for text that a person judges by: purposes, notes, what an agent reports, what an operator says of an
 * agent. It must be seen as it is, and must not push what stands beside it off the screen.
 *
 * @returns the text in Unicode's NFC, trimmed, every kind of blank written as a plain space; or what is wrong with it, to
 *   follow the name of the field. The text itself is not repeated in it.
 */
export function readText(input: string, { lines = false }: TextRule = {}): ReadableText {
  const text = input
    .normalize('NFC')
    .replace(/\p{Zs}/gu, ' ')
    .trim()
  const judged = lines ? text.replace(/[\n\t]/g, ' ') : text
  const problem = brokenRule(judged, [...SEEN_AS_IT_IS, ...NO_WALLS])
  return problem ? { problem } : { text }
}

/**
 * Says what is wrong with a name that a machine compares as it is written, such as an ARN, for the person who reads it: the rule
 * of `readText` without its bound on one character, which wildcards and ids may repeat.
 */
export function nameProblem(name: string): string | undefined {
  if (/(?! )\p{Zs}/u.test(name)) return 'must not hold blanks other than plain spaces'
  return brokenRule(name, SEEN_AS_IT_IS)
}

function brokenRule(text: string, rules: readonly Rule[]): string | undefined {
  return rules.find(({ broken }) => broken.test(text))?.problem
}
