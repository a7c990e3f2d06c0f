import { randomUUID } from 'node:crypto'
import { constants } from 'node:os'
import { Option, type Command as Parser } from 'commander'
import { hasCode } from '../../core/errors.ts'
import type { StintClient } from '../../sdk/client.ts'
import type { Grant } from '../../sdk/grant.ts'
import type { Task } from '../../sdk/types.ts'
import { type CommandIo, report } from '../command.ts'
import { durationFlag } from '../flags/duration-flag.ts'
import { createApprovalNotifier } from './approval-notice.ts'

/** Flags of a command that waits for an approver. */
export interface WaitFlags {
  readonly idempotencyKey?: string
  readonly waitFor?: number
  readonly onGiveUp?: 'keep' | 'withdraw'
}

/** Adds the flags. */
export function withWait(parser: Parser, { onGiveUp }: { readonly onGiveUp: string }): Parser {
  return parser
    .option('--idempotency-key <key>', 'a repeated key with the same task returns the same grant')
    .option(
      '--wait-for <duration>',
      'how long to wait for an approver (default: until the approval expires)',
      durationFlag,
    )
    .addOption(
      new Option(
        '--on-give-up <what>',
        `what becomes of the request when the wait ends without an answer, by --wait-for or a signal (default: ${onGiveUp})`,
      ).choices(['keep', 'withdraw']),
    )
}

/** A key for a command that was given none. It is shown, so that a later call can return to the grant. */
export function chooseKey({ idempotencyKey }: WaitFlags): string {
  return idempotencyKey ?? `cli-${randomUUID()}`
}

/** Listens for the signals that end a program, from before a grant is asked for until it is completed: none skips what is due. */
export class EndSignals {
  readonly #stop = new AbortController()
  readonly #release: (() => void)[]
  #exitCode: number | undefined

  constructor({ onSignal }: Pick<CommandIo, 'onSignal'>) {
    this.#release = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).flatMap((signal) => {
      const release = onSignal?.(signal, () => {
        // The exit code that a shell reports for a program that this signal ended.
        this.#exitCode ??= 128 + constants.signals[signal]
        this.#stop.abort()
      })
      return release ?? []
    })
  }

  /** Aborts with the first of them. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Set once one has come. */
  get exitCode(): number | undefined {
    return this.#exitCode
  }

  release(): void {
    for (const release of this.#release) release()
  }
}

/**
 * Asks for a grant and waits for an approver if it needs one.
 *
 * @returns undefined when a signal ended the wait; what became of the request is then on stderr.
 * @throws {StintError} REQUEST_WITHDRAWN or APPROVAL_PENDING when the time is over.
 */
export async function waitAtGate(
  client: StintClient,
  task: Task,
  {
    io,
    signals,
    flags: { waitFor, onGiveUp },
    ...asked
  }: {
    io: CommandIo
    signals: EndSignals
    flags: WaitFlags
    idempotencyKey: string
    /** The default, where the flag is not given. */
    otherwise: 'keep' | 'withdraw'
  },
): Promise<Grant | undefined> {
  try {
    return await client.request(task, {
      idempotencyKey: asked.idempotencyKey,
      signal: signals.signal,
      onGiveUp: onGiveUp ?? asked.otherwise,
      onAwaitingApproval: createApprovalNotifier(io),
      ...(waitFor !== undefined && { approvalTimeoutMs: waitFor }),
    })
  } catch (error) {
    if (signals.exitCode === undefined || !hasCode(error, 'CANCELLED')) throw error
    report(error, io)
    return undefined
  }
}
