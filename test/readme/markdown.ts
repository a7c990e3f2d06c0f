import { readdirSync } from 'node:fs'
import { join, posix } from 'node:path'

/** One fenced block of a Markdown file. */
export interface Block {
  /** First word after the fence, e.g. `sh`. */
  readonly language: string
  /** The other words, e.g. `run`, `exit=4`. */
  readonly flags: readonly string[]
  readonly text: string
  /** Number of the line of its opening fence. */
  readonly line: number
}

/** All fenced blocks, in order. */
export function fencedBlocks(markdown: string): Block[] {
  const blocks: Block[] = []
  let open: { info: string; line: number; lines: string[] } | undefined
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line)
    if (!fence) open?.lines.push(line)
    else if (open) {
      const [language = '', ...flags] = open.info.split(' ').filter(Boolean)
      blocks.push({ language, flags, text: open.lines.join('\n'), line: open.line })
      open = undefined
    } else open = { info: fence[1] ?? '', line: index + 1, lines: [] }
  }
  return blocks
}

/** The value of a flag such as `exit=4`. */
export function flagOf({ flags }: Block, name: string): string | undefined {
  return flags.find((flag) => flag.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Where a transcript differs from run to run, the same word each time. */
export function normalised(output: string): string {
  return (
    output
      .replace(/\b(grt|lse|apr|evt|rpl|kil)_[0-9A-Z]{26}\b/g, '$1_ID')
      .replace(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g, 'ID')
      .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID')
      .replace(/\b[0-9a-f]{64}\b/g, 'HASH')
      .replace(/\b[0-9a-f]{12}\b/g, 'SHORT_HASH')
      .replace(/\bASIA[A-Z0-9]{16}\b/g, 'ACCESS_KEY_ID')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
      .replace(/127\.0\.0\.1:\d+/g, 'LOOPBACK')
      .replace(/\d+ ms (ahead of|behind)/g, 'MS OF')
      .replace(/\d+ (d|h|min|s)( \d+ (h|min|s))? (left|older)/g, 'SPAN $4')
      .replace(/(Time left: +)\S.*/g, '$1SPAN')
      .replace(/\t\d+[smh](?=\t)/g, '\tSPAN')
      .replace(/\b\d+( events\b|:HASH)/g, 'N$1')
      .replace(/(Events: +|At event: +|Event )\d+/g, '$1N')
      .replace(/\/\S*stint-dev-\w+/g, 'PRACTICE_FOLDER')
      // A block that only some machines can run leaves one grant more in a history.
      .replace(/^( +TIME .*\n)\1+/gm, '$1')
      .trim()
  )
}

const NOT_OURS = new Set(['node_modules', 'dist'])

/** Every page of the checkout, by its path from there. Without git, which a source archive does not need. */
export function listPages(checkout: string, folder = ''): string[] {
  return readdirSync(join(checkout, folder), { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && !NOT_OURS.has(name))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory()) return listPages(checkout, path)
      return entry.name.endsWith('.md') ? [path] : []
    })
    .sort()
}
