import { PassThrough } from 'node:stream'
import { main } from '../../src/cli/main.ts'

/** What a run of the CLI came to. */
export interface CliRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Signals that a test sends to a command that runs in this process. */
export class Signals {
  readonly #handlers = new Map<string, Set<() => void>>()

  readonly on = (signal: NodeJS.Signals, handler: () => void): (() => void) => {
    const handlers = this.#handlers.get(signal) ?? new Set()
    this.#handlers.set(signal, handlers.add(handler))
    return () => handlers.delete(handler)
  }

  send(signal: NodeJS.Signals): void {
    for (const handler of this.#handlers.get(signal) ?? []) handler()
  }
}

/** Runs `stint …` in this process with its own streams. */
export async function stint(
  argv: readonly string[],
  options: {
    env?: Record<string, string | undefined>
    input?: string
    isTTY?: boolean
    signals?: Signals
    onStderr?: (text: string) => void
  } = {},
): Promise<CliRun> {
  const { env = {}, input = '', isTTY = false, signals, onStderr } = options
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const stdout = Object.assign(new PassThrough(), { isTTY })
  const stderr = new PassThrough()
  stdin.end(input)
  const collected = { stdout: '', stderr: '' }
  stdout.on('data', (chunk: Buffer) => {
    collected.stdout += chunk
  })
  stderr.on('data', (chunk: Buffer) => {
    collected.stderr += chunk
    onStderr?.(collected.stderr)
  })
  const exitCode = await main({ argv, stdin, stdout, stderr, env, ...(signals && { onSignal: signals.on }) })
  await new Promise((resolve) => setImmediate(resolve))
  return { exitCode, ...collected }
}
