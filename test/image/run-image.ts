import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { execForm } from './dockerfile.ts'
import type { Replayed } from './replay.ts'

/** The user of distroless' `nonroot`. */
export const NONROOT = 65_532

/** A process of the image. */
export interface ImageProcess {
  readonly child: ChildProcessWithoutNullStreams
  /** All of standard output and standard error so far. */
  output(): { stdout: string; stderr: string }
  /** The first match of `pattern` in standard error. Rejects if the process ends before. */
  stderrMatches(pattern: RegExp): Promise<RegExpExecArray>
  /** Exit code and signal. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/**
 * Starts the image's ENTRYPOINT with `args`, as the user it names where this process may do that. The image's `/` is the
 * replayed tree, so paths in the ENTRYPOINT are taken from there; the environment is what ENV says and `env`.
 */
export function runImage(
  { root, final }: Replayed,
  args: readonly string[],
  env: Record<string, string> = {},
): ImageProcess {
  // Also in an option: Node says nothing of an OpenSSL configuration that is not there.
  const [program = '', ...fixed] = execForm(final, 'ENTRYPOINT').map((word) =>
    word.replace(/(?<=^|=)\/.*/, (path) => join(root, path)),
  )
  const child = spawn(program, [...fixed, ...args], {
    cwd: join(root, 'app'),
    env: { NODE_ENV: 'production', ...env },
    ...(process.getuid?.() === 0 && { uid: NONROOT, gid: NONROOT }),
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  return {
    child,
    ended,
    output: () => ({ ...output }),
    async stderrMatches(pattern) {
      for (;;) {
        const match = pattern.exec(output.stderr)
        if (match) return match
        const isOver = await Promise.race([ended.then(() => true), once(child.stderr, 'data').then(() => false)])
        if (isOver && !pattern.test(output.stderr)) throw new Error(`ended without ${pattern}: ${output.stderr}`)
      }
    },
  }
}
