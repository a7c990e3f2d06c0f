/** The words of a text, with any white space between them. For lists in code that are long and read in columns. */
export function splitWords(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
