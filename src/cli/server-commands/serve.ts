import type { Command as Parser } from 'commander'
import { loadConfig } from '../../config/load.ts'
import { StintError } from '../../core/errors.ts'
import { createLogger } from '../../core/log.ts'
import { keepHeapSmall } from '../../core/process/heap.ts'
import { type Broker, startBroker } from '../../start/main.ts'
import { VERSION } from '../../version.ts'
import { type CommandIo, type RunCommand, report, runParser } from '../command.ts'
import { startWithoutSessionTickets } from './without-session-tickets.ts'

const DEFAULT_CONFIG = '/etc/stint/stint.yaml'
/** Options of Node that let others in, or load code, before ours runs. */
const UNSAFE_NODE_OPTIONS = /--(inspect|require|import|loader|experimental-loader|env-file)\b|(^|\s)-r\b/

/** Adds `--config`. */
export function withConfig(parser: Parser): Parser {
  return parser.option('--config <file>', 'configuration (STINT_CONFIG)', undefined)
}

/** The file that `--config` or STINT_CONFIG names. */
export function configFile(flags: { config?: string }, { env }: Pick<CommandIo, 'env'>): string {
  return flags.config ?? env.STINT_CONFIG ?? DEFAULT_CONFIG
}

/** npm forwards every signal, also Ctrl-C, which its child has already received from the terminal. */
const ECHO_MS = 1_000
const ENDING = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Runs the broker until SIGTERM, SIGINT or SIGHUP; a later second signal ends it at once. */
export const serveCommand: RunCommand = (io) =>
  runParser('serve', io, (parser) => {
    withConfig(parser)
      .description('Run the broker.')
      .action(async (flags: { config?: string }) => {
        refuseUnsafeNode(io)
        startWithoutSessionTickets(io)
        keepHeapSmall()
        const config = loadConfig({ file: configFile(flags, io), env: io.env })
        const logger = createLogger({ level: config.log.level })
        await runUntilSignalled(io, () => startBroker(config, { logger, version: VERSION }))
      })
  })

/**
 * Starts a broker and waits for SIGTERM, SIGINT or SIGHUP, also one that comes while it starts, or for the broker to fail;
 * then stops it. Signals within a second of the first count as that one.
 *
 * @throws {StintError} why it did not start, or failed; whoever supervises the process starts it anew.
 */
export async function runUntilSignalled<T extends Pick<Broker, 'stop' | 'failed'>>(
  io: CommandIo,
  start: () => Promise<T>,
  started: (broker: T) => void = () => {},
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let firstMs: number | undefined
  const onSignal = () => {
    firstMs ??= performance.now()
    if (performance.now() - firstMs > ECHO_MS) process.exit(1)
    resolve(undefined)
  }
  const stopListening = ENDING.map((signal) => io.onSignal?.(signal, onSignal))
  try {
    const broker = await start()
    started(broker)
    const failure = await Promise.race([promise, broker.failed])
    await broker.stop().catch((error: unknown) => {
      if (!failure) throw error
      // Why the broker failed says more, and decides the exit code.
      report(error, io)
    })
    if (failure) throw failure
  } finally {
    for (const stop of stopListening) stop?.()
  }
}

function refuseUnsafeNode({ env }: CommandIo): void {
  if (!UNSAFE_NODE_OPTIONS.test(env.NODE_OPTIONS ?? '')) return
  const explanation =
    'NODE_OPTIONS opens a debugger or loads foreign code into a process that holds credentials; remove it.'
  throw new StintError('CONFIG_INVALID', { explanation })
}
