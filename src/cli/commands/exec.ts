import { constants } from 'node:os'
import { hasCode } from '../../core/errors.ts'
import type { StintClient } from '../../sdk/client.ts'
import type { Grant } from '../../sdk/grant.ts'
import type { Task } from '../../sdk/types.ts'
import { type BrokerFlags, withBroker, withClient } from '../broker-options.ts'
import { type CommandIo, report, runParser, UsageError } from '../command.ts'
import { childEnvironment, GRANT_VARIABLE } from '../exec/child-environment.ts'
import { serveCredentials } from '../exec/credential-endpoint.ts'
import { runChild } from '../exec/run-child.ts'
import { durationFlag } from '../flags/duration-flag.ts'
import { requestOrWithdraw } from '../request-or-withdraw.ts'
import { runWithTask, type TaskFlags, withTask } from '../task-input.ts'
import { visible } from '../visible.ts'

type Flags = BrokerFlags & TaskFlags & { idempotencyKey?: string; waitFor?: number; region?: string }

/** `stint exec [flags] -- command …`: runs a command with the credentials of one task; completes the grant when it ends. */
export async function exec(io: CommandIo): Promise<number> {
  const split = io.argv.indexOf('--')
  const ours = split === -1 ? io.argv : io.argv.slice(0, split)
  const command = split === -1 ? [] : io.argv.slice(split + 1)
  return runParser('exec', { ...io, argv: ours }, (parser, done) => {
    withBroker(withTask(parser))
      .usage('[flags] -- command [args...]')
      .description("Run a command with one task's credentials, and complete the grant when the command ends.")
      .option('--idempotency-key <key>', 'a repeated key with the same task returns the same grant')
      .option(
        '--wait-for <duration>',
        'how long to wait for an approver (default: until the approval expires)',
        durationFlag,
      )
      .option('--region <region>', 'AWS region for the command (stint hides the AWS config file from it)')
      .action(async (flags: Flags) => {
        if (command.length === 0)
          throw new UsageError('Give the command after --, e.g. stint exec --task t.yaml -- aws s3 ls')
        if (io.env[GRANT_VARIABLE]) {
          throw new UsageError(
            `stint exec cannot be nested: this already runs inside one (grant ${io.env[GRANT_VARIABLE]}).`,
          )
        }
        const exitCode = await runWithTask(flags, (task) =>
          withClient(flags, io, (client) => runUnderGrant(client, { task, command, flags, io })),
        )
        done(exitCode)
      })
  })
}

type Work = { task: Task; command: readonly string[]; flags: Flags; io: CommandIo }

/** Handles signals from beginning to end, so that none of them skips the completion. */
async function runUnderGrant(client: StintClient, work: Work): Promise<number> {
  const { task, command, flags, io } = work
  const stop = new AbortController()
  let exitCode: number | undefined
  const stopListening = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) =>
    io.onSignal?.(signal, () => {
      exitCode ??= toSignalExitCode(signal)
      stop.abort()
    }),
  )
  try {
    const grant = await requestOrWithdraw(client, task, {
      io,
      command: 'exec',
      signal: stop.signal,
      ...(flags.idempotencyKey !== undefined && { idempotencyKey: flags.idempotencyKey }),
      ...(flags.waitFor !== undefined && { approvalTimeoutMs: flags.waitFor }),
    })
    const reportEnd = () => io.stderr.write(`stint: ${visible(grant.signal.reason.message)}\n`)
    grant.signal.addEventListener('abort', reportEnd)
    try {
      return exitCode ?? (await serveAndRun(grant, command, flags, io))
    } finally {
      grant.signal.removeEventListener('abort', reportEnd)
      await completeOrReport(grant, io)
    }
  } catch (error) {
    if (exitCode === undefined || !hasCode(error, 'CANCELLED')) throw error
    io.stderr.write('stint: interrupted while waiting for the grant; stint withdrew the request\n')
    return exitCode
  } finally {
    for (const stop of stopListening) stop?.()
  }
}

/** The exit code that a shell reports for a program that this signal ended. */
function toSignalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** For a renewal, before the endpoint answers with what it has: the JS SDK gives up after a second, in the middle of the answer too. */
const ENDPOINT_WAIT_MS = 700

async function serveAndRun(grant: Grant, command: readonly string[], flags: Flags, io: CommandIo): Promise<number> {
  const endpoint = await serveCredentials({
    credentials: grant.credentials({ waitMs: ENDPOINT_WAIT_MS }),
    ended: grant.signal,
  })
  try {
    const child = await childEnvironment({ env: io.env, endpoint, grantId: grant.id, region: flags.region })
    try {
      return await runChild(command, child.env, io)
    } finally {
      await child.remove()
    }
  } finally {
    await endpoint.close()
  }
}

/** A failure does not change the exit code: a grant that is not completed ends at its deadline. */
async function completeOrReport(grant: Grant, io: CommandIo): Promise<void> {
  const wasEnded = grant.signal.aborted
  try {
    await grant.complete('stint exec: the command has ended')
  } catch (error) {
    if (wasEnded) return
    io.stderr.write(`stint: grant ${visible(grant.id)} could not be completed and ends at its deadline:\n`)
    report(error, io)
  }
}
