import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { CommandIo } from '../command.ts'
import { visible } from '../visible.ts'

const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const

/**
 * Runs the command to its end with our standard streams, passing signals on.
 *
 * @returns its exit code as a shell has it: 128 + n for a death by signal n, 127 not found, 126 not executable.
 */
export async function runChild(
  command: readonly string[],
  env: Record<string, string>,
  io: CommandIo,
): Promise<number> {
  const [file = '', ...args] = command
  const isOurs = io.stdout === process.stdout
  const child = spawn(file, args, { env, stdio: isOurs ? 'inherit' : 'pipe', windowsHide: true })
  if (!isOurs) connectStreams(child, io)
  const stopListening = [...forwardSignals(child, io)]
  try {
    return await waitForExit(child, file, io)
  } finally {
    for (const stop of stopListening) stop()
  }
}

/** Ctrl-C on a terminal reaches the child by itself; from elsewhere it is passed on. Either way we outlive the child. */
function* forwardSignals(child: ChildProcess, io: CommandIo): Generator<() => void> {
  if (!io.onSignal) return
  for (const signal of FORWARDED) yield io.onSignal(signal, () => child.kill(signal))
  yield io.onSignal('SIGINT', () => {
    if (!io.stdin.isTTY) child.kill('SIGINT')
  })
}

function waitForExit(child: ChildProcess, file: string, io: CommandIo): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT'
      const why = isMissing ? 'was not found' : `cannot be executed (${error.code ?? 'unknown error'})`
      io.stderr.write(`stint: the command ${visible(file)} ${why}\n`)
      resolve(isMissing ? 127 : 126)
    })
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}

function connectStreams({ stdin, stdout, stderr }: ChildProcess, io: CommandIo): void {
  stdout?.pipe(io.stdout, { end: false })
  stderr?.pipe(io.stderr, { end: false })
  stdin?.on('error', () => {}) // a child that ends before it has read its input
  if (stdin) io.stdin.pipe(stdin)
}
