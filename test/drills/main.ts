import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DRILLS } from './drills.ts'
import { Transcript } from './transcript.ts'

const PAGE = fileURLToPath(new URL('../../docs/drills.md', import.meta.url))

/** `npm run drill -- <name> [--write]`: runs one with real processes, prints what it did and counted, and keeps it on the page. */
async function main(name = '', mode = ''): Promise<number> {
  const drill = DRILLS[name]
  if (!drill) {
    process.stderr.write(
      `npm run drill -- <name> [--write], where <name> is one of ${Object.keys(DRILLS).join(', ')}\n`,
    )
    return 2
  }
  const transcript = new Transcript((line) => process.stdout.write(`${line}\n`))
  await drill(transcript)
  for (const broken of transcript.broken) process.stderr.write(`BROKEN ${broken}\n`)
  if (mode === '--write' && transcript.broken.length === 0) keep(name, transcript.lines)
  return transcript.broken.length === 0 ? 0 : 1
}

/** Puts what was printed in the place of what was printed before. */
function keep(name: string, lines: readonly string[]): void {
  const block = new RegExp(`(\\$ npm run drill -- ${name}\\n)[^\`]*(\`\`\`)`)
  const page = readFileSync(PAGE, 'utf8')
  if (!block.test(page)) throw new Error(`docs/drills.md has no block for ${name}`)
  writeFileSync(
    PAGE,
    page.replace(block, (_, head, tail) => `${head}${lines.join('\n')}\n${tail}`),
  )
}

process.exit(await main(...process.argv.slice(2)))
