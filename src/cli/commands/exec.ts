import type { StintClient } from '../../sdk/client.ts'
import type { Grant } from '../../sdk/grant.ts'
import type { Task } from '../../sdk/types.ts'
import { type BrokerFlags, withBroker, withClient } from '../broker-options.ts'
import { type CommandIo, report, runParser, UsageError } from '../command.ts'
import { copyChange } from '../exec/change-copy.ts'
import { childEnvironment, GRANT_VARIABLE } from '../exec/child-environment.ts'
import { serveCredentials } from '../exec/credential-endpoint.ts'
import { runChild } from '../exec/run-child.ts'
import { EXIT } from '../exit-codes.ts'
import { chooseKey, EndSignals, type WaitFlags, waitAtGate, withWait } from '../gate/wait-at-gate.ts'
import { runWithTask, type TaskFlags, withTask } from '../task-input.ts'
import { visible } from '../visible.ts'

type Flags = BrokerFlags & TaskFlags & WaitFlags & { region?: string }

/** `stint exec [flags] -- command …`: runs a command with the credentials of one task; completes the grant when it ends. */
export async function exec(io: CommandIo): Promise<number> {
  const split = io.argv.indexOf('--')
  const ours = split === -1 ? io.argv : io.argv.slice(0, split)
  const command = split === -1 ? [] : io.argv.slice(split + 1)
  return runParser('exec', { ...io, argv: ours }, (parser, done) => {
    withWait(withBroker(withTask(parser)), { onGiveUp: 'withdraw' })
      .usage('[flags] -- command [args...]')
      .description("Run a command with one task's credentials, and complete the grant when the command ends.")
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
  const { task, flags, io } = work
  const signals = new EndSignals(io)
  try {
    const asked = { io, signals, flags, idempotencyKey: chooseKey(flags), otherwise: 'withdraw' } as const
    const grant = await waitAtGate(client, task, asked)
    if (!grant) return signals.exitCode ?? EXIT.error
    const reportEnd = () => io.stderr.write(`stint: ${visible(grant.signal.reason.message)}\n`)
    grant.signal.addEventListener('abort', reportEnd)
    try {
      return signals.exitCode ?? (await serveAndRun(grant, work))
    } finally {
      grant.signal.removeEventListener('abort', reportEnd)
      await completeOrReport(grant, io)
    }
  } finally {
    signals.release()
  }
}

/** For a renewal, before the endpoint answers with what it has: the JS SDK gives up after a second, in the middle of the answer too. */
const ENDPOINT_WAIT_MS = 700

async function serveAndRun(grant: Grant, { task, command, flags, io }: Work): Promise<number> {
  const endpoint = await serveCredentials({
    credentials: grant.credentials({ waitMs: ENDPOINT_WAIT_MS }),
    ended: grant.signal,
  })
  try {
    const child = await childEnvironment({ env: io.env, endpoint, grantId: grant.id, region: flags.region })
    try {
      // This comes last, so that as little time as possible passes until the command reads it.
      const copy = await copyChange(flags, task.change)
      return await runChild(command, { ...child.env, ...copy.env }, io).finally(copy.remove)
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
