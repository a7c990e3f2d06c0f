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
const ENDING = ['SIGTERM', 'SIGINT'] as const

/** Runs the broker until SIGTERM or SIGINT; a later second signal ends it at once. SIGHUP has it look at its configuration file. */
export const serveCommand: RunCommand = (io) =>
  runParser('serve', io, (parser) => {
    withConfig(parser)
      .description('Run the broker.')
      .action(async (flags: { config?: string }) => {
        refuseUnsafeNode(io)
        startWithoutSessionTickets(io)
        keepHeapSmall()
        const configSource = { file: configFile(flags, io), env: io.env }
        const config = loadConfig(configSource)
        const logger = createLogger({ level: config.log.level })
        await runUntilSignalled(io, () => startBroker(config, { logger, version: VERSION, configSource }), {
          onHangup: (broker) => void broker.reload(),
        })
      })
  })

/**
 * Starts a broker and waits for SIGTERM or SIGINT, also one that comes while it starts, or for the broker to fail; then stops it.
 * Signals within a second of the first count as that one.
 *
 * @param options.onHangup called for each SIGHUP once the broker has started; without it SIGHUP ends the broker too.
 * @throws {StintError} why it did not start, or failed; whoever supervises the process starts it anew.
 */
export async function runUntilSignalled<T extends Pick<Broker, 'stop' | 'failed'>>(
  io: CommandIo,
  start: () => Promise<T>,
  { started, onHangup }: { started?: (broker: T) => void; onHangup?: (broker: T) => void } = {},
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let firstMs: number | undefined
  const onSignal = () => {
    firstMs ??= performance.now()
    if (performance.now() - firstMs > ECHO_MS) process.exit(1)
    resolve(undefined)
  }
  let running: T | undefined
  const hungUp = onHangup ? () => running && onHangup(running) : onSignal
  const stopListening = [...ENDING.map((signal) => io.onSignal?.(signal, onSignal)), io.onSignal?.('SIGHUP', hungUp)]
  try {
    const broker = await start()
    running = broker
    started?.(broker)
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
