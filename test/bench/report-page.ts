import { readFile, writeFile } from 'node:fs/promises'

/** Between these two a page has what the bench found last; everything else in it is written by hand. */
export const PAGE_MARKS = ['<!-- what the bench found: begin -->', '<!-- what the bench found: end -->'] as const

/** Puts what was found into a page. @throws {Error} for a page without both marks in this order */
export async function writePage(file: string, found: string): Promise<void> {
  await writeFile(file, putBetween(await readFile(file, 'utf8'), found))
}

/** The page with `found` between its marks. */
export function putBetween(page: string, found: string): string {
  const [begin, end] = PAGE_MARKS
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`the page has no place for the tables: it needs ${begin} and ${end}`)
  return `${page.slice(0, from + begin.length)}\n\n${found.trim()}\n\n${page.slice(to)}`
}
