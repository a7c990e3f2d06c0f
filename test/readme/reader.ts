import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'
import { type Block, flagOf } from './markdown.ts'

export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
const MARK = '<<<done'
/** For one block; npm alone takes a second on a busy machine. */
const BOUND_MS = 120_000

/** What a block came to: stdout and stderr together, as on a terminal. */
export interface BlockRun {
  readonly exitCode: number
  readonly output: string
}

/**
 * Somebody who reads a page and pastes its blocks into a shell, in order, in a folder that looks like the checkout. Blocks
 * with the flag `first-shell` go into a shell of their own and keep running. An id that the page shortens (`apr_…`,
 * `0123abcd…`) is the last one that was seen.
 */
export class Reader {
  readonly folder: string
  readonly #shell: ChildProcess
  readonly #first: ChildProcess[] = []
  #said = ''
  #seen = ''

  constructor() {
    // Otherwise the set-up of `npm run dev` would install through the link, and take the packages away from under this test.
    if (!isSetUp()) throw new Error('node_modules is older than package-lock.json: npm run setup')
    this.folder = mkdtempSync(join(tmpdir(), 'stint-readme-'))
    for (const name of readdirSync(CHECKOUT)) symlinkSync(join(CHECKOUT, name), join(this.folder, name))
    this.#shell = this.#bash()
  }

  async paste(block: Block): Promise<BlockRun> {
    const text = this.#withSeenIds(block.text)
    if (block.flags.includes('first-shell')) {
      const file = flagOf(block, 'until')
      // Somebody may be following the page in the checkout itself: theirs is linked here, and is not this one's.
      if (file) rmSync(join(this.folder, file), { force: true })
      const shell = this.#bash()
      this.#first.push(shell)
      // In the background, so that the shell notices when this process is killed, and ends what it has started.
      shell.stdin?.write(`trap 'trap - TERM; kill 0' EXIT\n{\n${text}\n} &\n`)
      if (file) await eventually(file, () => existsSync(join(this.folder, file)), BOUND_MS)
      return { exitCode: 0, output: '' }
    }
    this.#said = ''
    this.#shell.stdin?.write(`{\n${text}\n} 2>&1 </dev/null; printf '\\n${MARK} %s\\n' "$?"\n`)
    const hasEnded = () => /\n<<<done \d+\n$/.test(this.#said) && this.#said
    const said = await eventually(`the end of the block at line ${block.line}`, hasEnded, BOUND_MS)
    const [, output = '', exitCode] = /^([\s\S]*)\n<<<done (\d+)\n$/.exec(said) ?? []
    this.#seen += output
    return { exitCode: Number(exitCode), output }
  }

  /** Ends every shell with all that it has started. */
  async close(): Promise<void> {
    await Promise.all([this.#shell, ...this.#first].map(end))
    rmSync(this.folder, { recursive: true, force: true })
  }

  #bash(): ChildProcess {
    const { PATH, HOME } = process.env
    // The pages are for a shell with the programs of every system, wherever the tests find npm.
    const env = {
      PATH: `${PATH}:/usr/bin:/bin`,
      HOME,
      NO_COLOR: '1',
      npm_config_update_notifier: 'false',
      npm_config_loglevel: 'error',
    }
    const shell = spawn('bash', ['--noprofile', '--norc'], { cwd: this.folder, env, detached: true })
    shell.stdout.on('data', (chunk: Buffer) => {
      this.#said += chunk
    })
    return shell
  }

  #withSeenIds(text: string): string {
    return text
      .replace(
        /\b(grt|apr|kil)_…/g,
        (short, kind) => this.#lastSeen(new RegExp(`\\b${kind}_[0-9A-Z]{26}\\b`, 'g')) ?? short,
      )
      .replace(/\b[0-9a-f]{8}…/g, (short) => this.#lastSeen(/\b[0-9a-f]{64}\b/g) ?? short)
  }

  #lastSeen(pattern: RegExp): string | undefined {
    return this.#seen.match(pattern)?.at(-1)
  }
}

function isSetUp(): boolean {
  const changedMs = (file: string) => statSync(join(CHECKOUT, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return changedMs('node_modules/.package-lock.json') > changedMs('package-lock.json')
}

async function end(shell: ChildProcess): Promise<void> {
  const { pid } = shell
  const gone = new Promise((resolve) => shell.once('close', resolve))
  if (pid === undefined || shell.exitCode !== null) return
  // As ctrl-c does it: everything of the shell's process group hears it, and stint dev removes what it made.
  process.kill(-pid, 'SIGTERM')
  await gone
}
