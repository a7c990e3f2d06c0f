import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The files that an engine would be sent: those that git does not ignore, less those that .dockerignore does. */
export function buildContext(root: string): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  const isSent = dockerIgnore(readFileSync(join(root, '.dockerignore'), 'utf8'))
  return listed
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '' && isSent(path) && existsSync(join(root, path)))
}

/**
 * True for a path that is sent. The last pattern that fits the path or a folder above it decides.
 *
 * @see https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export function dockerIgnore(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ sends: line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '').replace(/^\//, '')) }))
  return (path) => {
    const parts = path.split('/')
    const prefixes = parts.map((_, at) => parts.slice(0, at + 1).join('/'))
    return rules.findLast(({ pattern }) => prefixes.some((prefix) => pattern.test(prefix)))?.sends ?? true
  }
}

/** `**` is any number of folders, `*` and `?` stay within one. */
function patternOf(glob: string): RegExp {
  const source = glob.replaceAll(/\*\*\/|\*\*|\*|\?|[.+^${}()|[\]\\]/g, (token) => {
    if (token === '**/') return '(?:.*/)?'
    if (token === '**') return '.*'
    if (token === '*') return '[^/]*'
    return token === '?' ? '[^/]' : `\\${token}`
  })
  return new RegExp(`^${source}$`)
}
