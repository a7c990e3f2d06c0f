/** A word that may not be what it looks like. */
export interface LookAlike {
  readonly word: string
  /** e.g. `holds Cyrillic U+0430 beside Latin letters` */
  readonly why: string
}

/** Scripts with letters that look like Latin ones. */
const SCRIPTS = ['Cyrillic', 'Greek', 'Armenian', 'Cherokee', 'Coptic', 'Lisu'] as const
const PATTERNS = SCRIPTS.map((script) => ({ script, pattern: new RegExp(`\\p{Script=${script}}`, 'gu') }))
const LATIN = /\p{Script=Latin}/u

/** Letters of other scripts that most fonts draw as Latin ones: a word of these alone reads as a Latin word (UTS 39). */
const DRAWN_AS_LATIN = new Set(
  'асеорхуіјѕһԁԛԝѵӏгАВЕКМНОРСТХУІЈЅӀԌԚԜοναικρυχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧօոսհցքԼՕՏꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ',
)
/** Latin letters that are drawn as others: dotless i, alpha, script g, small capitals. */
const LATIN_TWINS = /[ıɑɡɩɪʟᴄᴏᴠᴡᴢⅼℓ]/gu

const MAX_WORDS = 20

/**
 * Words of a text that are drawn like other words: letters of several scripts in one word, a word that is all look-alikes,
 * and letters that are only variants of plain ones. Other scripts as such are no finding. Never a reason to refuse: a
 * person is to see it.
 *
 * @returns each word once, at most 20.
 * @see Unicode UTS 39, sections 4 and 5
 */
export function lookAlikes(text: string): LookAlike[] {
  const words = [...new Set(text.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [])]
  return words.flatMap((word) => lookAlike(word) ?? []).slice(0, MAX_WORDS)
}

function lookAlike(word: string): LookAlike | undefined {
  const found = PATTERNS.flatMap(({ script, pattern }) => {
    const letters = word.match(pattern)
    return letters ? [`${script} ${codePoints(letters)}`] : []
  })
  if (found.length > 0 && (LATIN.test(word) || found.length > 1)) {
    return { word, why: `mixes scripts: ${found.join(', ')}${LATIN.test(word) ? ' beside Latin letters' : ''}` }
  }
  const letters = [...word].filter((character) => /\p{L}/u.test(character))
  if (found.length > 0 && letters.length > 1 && letters.every((letter) => DRAWN_AS_LATIN.has(letter))) {
    return { word, why: `looks Latin and is not: ${found.join(', ')}` }
  }
  const twins = word.match(LATIN_TWINS) ?? [...word].filter(isVariantOfAscii)
  return twins.length > 0 ? { word, why: `holds variants of plain letters: ${codePoints(twins)}` } : undefined
}

/** Full-width and mathematical letters and digits, and the like. */
function isVariantOfAscii(character: string): boolean {
  const plain = character.normalize('NFKC')
  return plain !== character && /^[A-Za-z0-9]+$/.test(plain)
}

function codePoints(characters: readonly string[]): string {
  const distinct = [...new Set(characters)].slice(0, 5)
  return distinct.map((one) => `U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`).join(' ')
}
