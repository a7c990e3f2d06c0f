import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Block, fencedBlocks, flagOf, normalised } from './markdown.ts'
import { CHECKOUT, Reader } from './reader.ts'

/** With STINT_UPDATE_DOCS=1 the transcripts are written anew instead of compared. */
const update = process.env.STINT_UPDATE_DOCS === '1'

for (const page of ['README.md', 'docs/quickstart.md', 'docs/approvals.md', 'docs/kill.md'])
  test(`every command of ${page} does what the page shows`, { timeout: 300_000 }, async () => {
    const file = join(CHECKOUT, page)
    const blocks = fencedBlocks(readFileSync(file, 'utf8'))
    const reader = new Reader()
    const shown: [Block, string][] = []
    try {
      for (const [index, block] of blocks.entries()) {
        if (block.language !== 'sh' || !block.flags.includes('run') || !canRun(block)) continue
        const { exitCode, output } = await reader.paste(block)
        const where = `${page}:${block.line}\n${output}`
        expect(exitCode, where).toBe(Number(flagOf(block, 'exit') ?? 0))
        const next = blocks[index + 1]
        if (!next?.flags.includes('output')) continue
        if (update) shown.push([next, output])
        else expect(normalised(output), where).toBe(normalised(next.text))
      }
    } finally {
      await reader.close()
    }
    if (update) rewrite(file, shown)
  })

/** A block with `if=PROGRAM` is for those who have it. */
function canRun(block: Block): boolean {
  const program = flagOf(block, 'if')
  return program === undefined || spawnSync('bash', ['-c', `command -v ${program}`]).status === 0
}

function rewrite(file: string, shown: readonly [Block, string][]): void {
  const lines = readFileSync(file, 'utf8').split('\n')
  for (const [{ line, text }, output] of shown.toReversed()) {
    const example = output.trim().replace(/\bASIA[A-Z0-9]{16}\b/g, 'ASIAIOSFODNN7EXAMPLE')
    lines.splice(line, text === '' && lines[line] === '```' ? 0 : text.split('\n').length, example)
  }
  writeFileSync(file, lines.join('\n'))
}
