import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A release as it was in the history of this clone, with the packages of now. */
export interface Build {
  readonly folder: string
  /** What runs as `stint`. */
  readonly cli: string
  readonly commit: string
  /** The last step of the schema that it knows. */
  readonly schemaVersion: number
  dispose(): void
}

/**
 * The newest release that does not know the last step of a store's schema yet, from the history of this clone.
 *
 * @returns why there is none, where the history is not there
 */
export function previousBuild(store: 'sqlite' | 'postgres'): Build | string {
  const steps = `src/ledger/${store}/migrations`
  const newest = readdirSync(join(ROOT, steps))
    .filter((name) => /^\d{3}-/.test(name))
    .sort()
    .at(-1)
  const commit = newest === undefined ? undefined : commitBefore(`${steps}/${newest}`)
  if (newest === undefined || commit === undefined)
    return `The history of this clone does not have the commit before ${steps}/${newest}: clone it with its history (git fetch --unshallow).`
  const folder = mkdtempSync(join(tmpdir(), 'stint-previous-'))
  const archive = join(folder, 'archive.tar')
  git('archive', '--format=tar', `--output=${archive}`, commit, 'src', 'proto', 'package.json')
  mkdirSync(join(folder, 'release'))
  execFileSync('tar', ['-xf', archive, '-C', join(folder, 'release')])
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'release', 'node_modules'))
  return {
    folder,
    cli: join(folder, 'release', 'src', 'cli', 'main.ts'),
    commit,
    schemaVersion: Number(newest.slice(0, 3)) - 1,
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** True where no history can be expected: a checkout without git, or a shallow clone. */
export function isWithoutHistory(): boolean {
  return !existsSync(join(ROOT, '.git')) || git('rev-parse', '--is-shallow-repository').trim() === 'true'
}

/** The commit before the one that added a file; the last commit for a file that is not in the history yet. */
function commitBefore(path: string): string | undefined {
  if (!existsSync(join(ROOT, '.git'))) return undefined
  const added = git('log', '--diff-filter=A', '--format=%H', '-1', '--', path).trim()
  try {
    return git('rev-parse', '--verify', '--quiet', added === '' ? 'HEAD' : `${added}^`).trim()
  } catch {
    return undefined
  }
}

function git(...args: string[]): string {
  return execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
