import { Option } from 'commander'
import type { StintClient } from '../../sdk/client.ts'
import { toAwsCredentials } from '../../sdk/grant.ts'
import type { GrantAnswer, Task } from '../../sdk/types.ts'
import { type BrokerFlags, withBroker, withClient } from '../broker-options.ts'
import { type CommandIo, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { chooseKey, EndSignals, type WaitFlags, waitAtGate, withWait } from '../gate/wait-at-gate.ts'
import { grantFacts } from '../grant-output.ts'
import { generationFile, inGenerations } from '../key-generations.ts'
import { OUTPUT_FORMATS, type OutputFormat, printFacts, printValue } from '../output.ts'
import { runWithTask, type TaskFlags, withTask } from '../task-input.ts'
import { wholeSeconds } from '../whole-seconds.ts'

type Flags = BrokerFlags &
  TaskFlags &
  WaitFlags & {
    output: OutputFormat | 'credential-process'
    wait: boolean
    showCredentials?: boolean
  }

/** A grant as far as it came, and the key that leads back to it. Undefined grant: a signal ended the wait, with this exit code. */
interface Outcome {
  readonly idempotencyKey: string
  readonly answer?: GrantAnswer
  readonly exitCode?: number
}

/** `stint request`: asks for a grant; credentials are printed only when they were asked for by name. */
export function request(io: CommandIo): Promise<number> {
  return runParser('request', io, (parser, done) => {
    withWait(withBroker(withTask(parser)), {
      onGiveUp: 'keep with --idempotency-key, withdraw without',
    })
      .description('Request a grant. Complete it with stint complete.')
      .option('--no-wait', 'do not wait for an approver (exit code 4)')
      .option('--show-credentials', "also print the lease's credentials")
      .addOption(
        new Option('-o, --output <format>', 'output format; credential-process is for the AWS config file')
          .choices([...OUTPUT_FORMATS, 'credential-process'])
          .default('table'),
      )
      .action(async (flags: Flags) => {
        const outcome = await runWithTask(flags, (task) => requestGrant(task, flags, io))
        if (!outcome.answer) return done(outcome.exitCode ?? EXIT.error)
        print(outcome.answer, outcome.idempotencyKey, flags, io)
        if (outcome.answer.grant.state === 'awaiting_approval') done(EXIT.approval)
      })
  })
}

async function requestGrant(task: Task, flags: Flags, io: CommandIo): Promise<Outcome> {
  const { idempotencyKey: key, output } = flags
  return withClient(flags, io, async (client) => {
    const requestOnce = (idempotencyKey: string) => requestWithKey(idempotencyKey, { client, task, flags, io })
    if (key === undefined || output !== 'credential-process') return requestOnce(chooseKey(flags))
    const broker = flags.address ?? io.env.STINT_ADDRESS ?? ''
    return inGenerations({
      key,
      ttlSeconds: task.ttlSeconds,
      memory: generationFile(io.env, [broker, key]),
      now: () => new Date(),
      ask: requestOnce,
      getGrant: (grantId) => client.getGrant(grantId),
    })
  })
}

async function requestWithKey(
  idempotencyKey: string,
  { client, task, flags, io }: { client: StintClient; task: Task; flags: Flags; io: CommandIo },
): Promise<Outcome> {
  if (!flags.wait) {
    const answer = await client.requestGrant(task, idempotencyKey)
    if (answer.grant.state === 'awaiting_approval') {
      if (flags.idempotencyKey === undefined)
        io.stderr.write(
          `stint: to get its credentials later: the same command with --idempotency-key ${idempotencyKey}\n`,
        )
      return { idempotencyKey, answer }
    }
    if (answer.lease) return { idempotencyKey, answer }
  }
  const signals = new EndSignals(io)
  try {
    const otherwise = flags.idempotencyKey === undefined ? 'withdraw' : 'keep'
    const grant = await waitAtGate(client, task, { io, signals, flags, idempotencyKey, otherwise })
    if (!grant) return { idempotencyKey, ...(signals.exitCode !== undefined && { exitCode: signals.exitCode }) }
    const lease = await grant.lease()
    await grant.close()
    return { idempotencyKey, answer: { grant: grant.info, lease } }
  } finally {
    signals.release()
  }
}

function print(
  { grant, lease }: GrantAnswer,
  idempotencyKey: string,
  { output, showCredentials }: Flags,
  io: CommandIo,
): void {
  const credentials = lease && toAwsCredentials(lease)
  if (output === 'credential-process') {
    if (!credentials) return
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = credentials
    const keys = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken }
    io.stdout.write(`${JSON.stringify({ Version: 1, ...keys, Expiration: wholeSeconds(expiration) })}\n`)
    return
  }
  const { id, number, notAfter, usableUntil, accessKeyId } = lease ?? {}
  const shown = showCredentials ? credentials : undefined
  if (output !== 'table') {
    const leaseView = lease && { id, number, notAfter, usableUntil, accessKeyId }
    printValue(io, output, { grant, idempotencyKey, lease: leaseView, credentials: shown })
    return
  }
  printFacts(io, [
    ...grantFacts(grant),
    ['Idempotency key', idempotencyKey],
    ['Lease', id],
    ['Usable until', usableUntil],
    ['Access key', accessKeyId],
    ['Secret key', shown?.secretAccessKey],
    ['Session token', shown?.sessionToken],
  ])
}
