import { type IAMClient, LimitExceededException } from '@aws-sdk/client-iam'
import { observe } from '../../src/credentials/aws-sts/calls/call.ts'
import { answerDate, exchange, iamErrors, type WireParts } from './wires.ts'

interface Command {
  readonly input: { readonly PolicyArn?: string; readonly VersionId?: string; readonly PolicyDocument?: string }
}
type Next = (args: Command) => Promise<{ response: object; output: object }>

/** IAM's calls on managed policies, behind the face of the SDK's client. */
export function simulatedIam(parts: WireParts): IAMClient {
  let around: (next: Next) => Next = (next) => next
  const client = {
    middlewareStack: {
      add: (middleware: (next: Next) => Next) => {
        around = middleware
      },
    },
    send: async (command: Command, { abortSignal }: { abortSignal: AbortSignal }) => {
      const next: Next = async () => {
        const output = await call(parts, command, abortSignal)
        const isTold = parts.scheduler.chance.happens(0.95)
        return {
          output,
          response: { statusCode: 200, headers: isTold ? { date: answerDate(parts).toUTCString() } : {} },
        }
      }
      return (await around(next)({ input: command.input })).output
    },
  }
  return observe(client as unknown as IAMClient, parts.onTime)
}

function call(parts: WireParts, command: Command, signal: AbortSignal): Promise<object> {
  const { scheduler, faults, cloud } = parts
  const { chance } = scheduler
  const effectMs = chance.between(2, 60)
  const isWrite = command.constructor.name === 'CreatePolicyVersionCommand'
  let fate: { effectMs: number | undefined; answerMs: number | undefined } = {
    effectMs,
    answerMs: effectMs + chance.between(1, 30),
  }
  if (faults.strikes('iam_loses_answers', 0.1)) fate = { effectMs: undefined, answerMs: undefined }
  else if (faults.strikes('iam_loses_answers', 0.2)) fate = { effectMs, answerMs: undefined }
  else if (isWrite && faults.strikes('iam_late_writes', 0.2))
    fate = { effectMs: chance.between(7_000, 12_000), answerMs: undefined }
  const { PolicyArn = '' } = command.input
  const before = isWrite ? cloud.current(PolicyArn).id : ''
  // A write that was given up and overtakes a later one undoes it as an edit of somebody else would.
  return exchange(parts, fate, signal, () => effect(parts, command, isWrite && cloud.current(PolicyArn).id !== before))
}

function effect({ scheduler: { chance }, cloud, faults }: WireParts, command: Command, isOvertaking: boolean): object {
  const { PolicyArn = '', VersionId = '', PolicyDocument = '' } = command.input
  if (faults.acts('iam_one_role_down') && PolicyArn === cloud.roles[0]?.policyArn) throw iamErrors.down()
  if (faults.strikes('iam_throttles', 0.4)) throw iamErrors.throttled()
  switch (command.constructor.name) {
    case 'ListPolicyVersionsCommand': {
      const current = cloud.current(PolicyArn)
      const Versions = cloud
        .versions(PolicyArn)
        .map(({ id }) => ({ VersionId: id, IsDefaultVersion: id === current.id }))
      return { Versions }
    }
    case 'GetPolicyVersionCommand': {
      const version = cloud.versions(PolicyArn).find(({ id }) => id === VersionId)
      if (!version) throw iamErrors.gone()
      return { PolicyVersion: { Document: encodeURIComponent(version.document) } }
    }
    case 'CreatePolicyVersionCommand': {
      const spreadMs = faults.acts('iam_slow_spread') ? chance.between(5_000, 25_000) : chance.between(0, 3_000)
      if (cloud.createVersion(PolicyArn, PolicyDocument, spreadMs, isOvertaking)) return {}
      throw new LimitExceededException({ message: 'simulated limit', $metadata: { httpStatusCode: 409 } })
    }
    case 'DeletePolicyVersionCommand':
      if (!cloud.deleteVersion(PolicyArn, VersionId)) throw iamErrors.gone()
      return {}
    default:
      throw new Error(`the simulated IAM does not know ${command.constructor.name}`)
  }
}
