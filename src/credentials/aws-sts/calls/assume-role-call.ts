import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  type AssumeRoleCommandOutput,
  type STSClient,
} from '@aws-sdk/client-sts'
import { type SendOptions, sendOnce } from './call.ts'

/**
 * Which code sends AssumeRole: our own, on the parts of the AWS SDK, or the SDK's client. Both send the same request and read the
 * same answer; the first takes less than half of the CPU time.
 */
export const STS_CLIENTS = ['direct', 'sdk'] as const
/** The setting `aws.stsClient`. */
export type StsClientKind = (typeof STS_CLIENTS)[number]

/**
 * Sends one AssumeRole once.
 *
 * @throws as `sendOnce`; errors of AWS are the SDK's own.
 */
export type SendAssumeRole = (input: AssumeRoleCommandInput, options: SendOptions) => Promise<AssumeRoleCommandOutput>

/** AssumeRole by the SDK's client. */
export function sdkAssumeRole(client: STSClient): SendAssumeRole {
  return (input, options) => {
    const command = new AssumeRoleCommand(input)
    return sendOnce((abortSignal) => client.send(command, { abortSignal }), command, options)
  }
}
