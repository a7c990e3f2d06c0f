import { randomUUID } from 'node:crypto'
import { Option } from 'commander'
import type { StintClient } from '../../sdk/client.ts'
import { toAwsCredentials } from '../../sdk/grant.ts'
import type { GrantAnswer, Task } from '../../sdk/types.ts'
import { createApprovalNotifier } from '../approval-notice.ts'
import { type BrokerFlags, withBroker, withClient } from '../broker-options.ts'
import { type CommandIo, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { durationFlag } from '../flags/duration-flag.ts'
import { grantFacts } from '../grant-output.ts'
import { generationFile, inGenerations } from '../key-generations.ts'
import { OUTPUT_FORMATS, type OutputFormat, printFacts, printValue } from '../output.ts'
import { runWithTask, type TaskFlags, withTask } from '../task-input.ts'
import { wholeSeconds } from '../whole-seconds.ts'

type Flags = BrokerFlags &
  TaskFlags & {
    output: OutputFormat | 'credential-process'
    idempotencyKey?: string
    wait: boolean
    waitFor?: number
    showCredentials?: boolean
  }

const NO_KEY_WARNING =
  "stint: without --idempotency-key, later calls cannot get this grant's credentials; stint complete withdraws it\n"

/** `stint request`: asks for a grant; credentials are printed only when they were asked for by name. */
export function request(io: CommandIo): Promise<number> {
  return runParser('request', io, (parser, done) => {
    withBroker(withTask(parser))
      .description('Request a grant. Complete it with stint complete.')
      .option('--idempotency-key <key>', 'a repeated key with the same task returns the same grant')
      .option('--no-wait', 'do not wait for an approver (exit code 4)')
      .option('--wait-for <duration>', 'how long to wait for an approver', durationFlag)
      .option('--show-credentials', "also print the lease's credentials")
      .addOption(
        new Option('-o, --output <format>', 'output format; credential-process is for the AWS config file')
          .choices([...OUTPUT_FORMATS, 'credential-process'])
          .default('table'),
      )
      .action(async (flags: Flags) => {
        const answer = await runWithTask(flags, (task) => requestGrant(task, flags, io))
        print(answer, flags, io)
        if (answer.grant.state === 'awaiting_approval') done(EXIT.approval)
      })
  })
}

async function requestGrant(task: Task, flags: Flags, io: CommandIo): Promise<GrantAnswer> {
  const { idempotencyKey: key, output } = flags
  return withClient(flags, io, async (client) => {
    const requestOnce = (idempotencyKey: string) => requestWithKey(idempotencyKey, { client, task, flags, io })
    if (key === undefined) return requestOnce(`cli-${randomUUID()}`)
    if (output !== 'credential-process') return requestOnce(key)
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
): Promise<GrantAnswer> {
  if (!flags.wait) {
    const first = await client.requestGrant(task, idempotencyKey)
    if (first.grant.state === 'awaiting_approval') {
      if (flags.idempotencyKey === undefined) io.stderr.write(NO_KEY_WARNING)
      return first
    }
    if (first.lease) return first
  }
  const grant = await client.request(task, {
    idempotencyKey,
    onAwaitingApproval: createApprovalNotifier(io),
    ...(flags.waitFor !== undefined && { approvalTimeoutMs: flags.waitFor }),
  })
  const lease = await grant.lease()
  await grant.close()
  return { grant: grant.info, lease }
}

function print({ grant, lease }: GrantAnswer, { output, showCredentials }: Flags, io: CommandIo): void {
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
    printValue(io, output, { grant, lease: leaseView, credentials: shown })
    return
  }
  printFacts(io, [
    ...grantFacts(grant),
    ['Lease', id],
    ['Usable until', usableUntil],
    ['Access key', accessKeyId],
    ['Secret key', shown?.secretAccessKey],
    ['Session token', shown?.sessionToken],
  ])
}
