import type { AssumeRoleCommandInput, AssumeRoleCommandOutput } from '@aws-sdk/client-sts'
import type { SendAssumeRole } from '../../src/credentials/aws-sts/calls/assume-role-call.ts'
import { cancelled } from '../../src/credentials/aws-sts/calls/call.ts'
import type { Cloud } from './cloud.ts'
import type { Faults } from './faults.ts'
import { type Process, trueDate } from './process.ts'
import type { Scheduler } from './scheduler.ts'

/** What the wires of one process are between. */
export interface WireParts {
  readonly scheduler: Scheduler
  readonly cloud: Cloud
  readonly faults: Faults
  readonly process: Process
  /** Called before and after each effect. */
  readonly onSeam: () => void
  /** Told the time of each answer. */
  readonly onTime: (cloudNow: Date) => void
}

/** How long an attempt waits for its answer, as the provider has it. */
export const ATTEMPT_MS = 7_000

/** What becomes of one call: whether it has its effect, and when; whether its answer arrives. */
interface Fate {
  /** Undefined: the call never gets there. */
  readonly effectMs: number | undefined
  readonly answerMs: number | undefined
}

/** An error as the AWS SDK throws it. */
function awsError(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(`simulated ${name}`), { name, Code: name, $metadata: { httpStatusCode } })
}

function resetError(): Error {
  return Object.assign(new Error('simulated reset'), { name: 'Error', code: 'ECONNRESET' })
}

function timeoutError(): Error {
  return Object.assign(new Error('no answer in time'), { name: 'TimeoutError', code: 'ETIMEDOUT' })
}

/** The time that an answer tells, which may be that of a wrong clock on the way. */
export function answerDate({ scheduler, faults }: Pick<WireParts, 'scheduler' | 'faults'>): Date {
  const wrongMs = faults.strikes('sts_date_wrong', 0.3)
    ? scheduler.chance.pick([-3_600_000, -90_000, 90_000, 3_600_000])
    : 0
  return new Date(Math.floor((trueDate(scheduler.nowMs).getTime() + wrongMs) / 1_000) * 1_000)
}

/**
 * Sends one call: its effect happens in the cloud whatever becomes of the process, its answer arrives only at a process that
 * still waits.
 */
export function exchange<R>(
  { scheduler, process, onSeam }: Pick<WireParts, 'scheduler' | 'process' | 'onSeam'>,
  { effectMs, answerMs }: Fate,
  signal: AbortSignal,
  effect: () => R,
): Promise<R> {
  onSeam()
  return new Promise((resolve, reject) => {
    let outcome: { readonly value: R } | { readonly error: unknown } | undefined
    if (effectMs !== undefined)
      scheduler.after(effectMs, () => {
        try {
          outcome = { value: effect() }
        } catch (error) {
          outcome = { error }
        }
        onSeam()
      })
    const onAbort = () => reject(cancelled())
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    process.after(answerMs ?? ATTEMPT_MS, () => {
      signal.removeEventListener('abort', onAbort)
      if (answerMs === undefined) reject(scheduler.chance.happens(0.5) ? timeoutError() : resetError())
      else if (!outcome) reject(resetError())
      else if ('error' in outcome) reject(outcome.error)
      else resolve(outcome.value)
    })
  })
}

/** STS's AssumeRole, with what can happen on the way. */
export function simulatedSts(parts: WireParts): SendAssumeRole {
  const { scheduler, cloud, faults, onTime } = parts
  const { chance } = scheduler
  return async (input, { signal, exchange: facts }) => {
    facts.sent = true
    const fate = stsFate(parts)
    const answer = await exchange(parts, fate, signal, () => {
      if (faults.strikes('sts_throttles', 0.5)) throw awsError('Throttling', 400)
      if (faults.strikes('sts_refuses', 0.2)) throw awsError('AccessDenied', 403)
      if (faults.strikes('sts_is_down', 0.5)) throw awsError('ServiceUnavailable', 503)
      const session = cloud.assumeRole({
        roleArn: input.RoleArn ?? '',
        sessionName: input.RoleSessionName ?? '',
        sourceIdentity: input.SourceIdentity ?? '',
        policy: input.Policy ?? '',
      })
      const [secretAccessKey = '', sessionToken = ''] = session.secrets
      return toAnswer(input, { ...session, secretAccessKey, sessionToken })
    })
    if (chance.happens(0.95)) {
      facts.serverDate = answerDate(parts)
      onTime(facts.serverDate)
    }
    return answer
  }
}

function stsFate({ scheduler: { chance }, faults }: WireParts): Fate {
  const effectMs = chance.happens(0.9) ? chance.between(2, 40) : chance.between(40, 4_000)
  if (faults.strikes('sts_loses_answers', 0.15)) return { effectMs: undefined, answerMs: undefined }
  if (faults.strikes('sts_loses_answers', 0.3)) return { effectMs: chance.between(2, 6_500), answerMs: undefined }
  return { effectMs, answerMs: effectMs + chance.between(1, 20) }
}

function toAnswer(
  { RoleArn = '', RoleSessionName, SourceIdentity, DurationSeconds = 0 }: AssumeRoleCommandInput,
  session: { accessKeyId: string; secretAccessKey: string; sessionToken: string; issuedMs: number },
): AssumeRoleCommandOutput {
  const [, , , , account, role = ''] = RoleArn.split(':')
  const Arn = `arn:aws:sts::${account}:assumed-role/${role.split('/').at(-1)}/${RoleSessionName}`
  const expiresMs = Math.floor(trueDate(session.issuedMs).getTime() / 1_000) * 1_000 + DurationSeconds * 1_000
  return {
    $metadata: { httpStatusCode: 200 },
    Credentials: {
      AccessKeyId: session.accessKeyId,
      SecretAccessKey: session.secretAccessKey,
      SessionToken: session.sessionToken,
      Expiration: new Date(expiresMs),
    },
    AssumedRoleUser: { Arn, AssumedRoleId: `AROAEXAMPLE:${RoleSessionName}` },
    SourceIdentity,
    PackedPolicySize: 10,
  }
}

/** IAM's errors that the simulation knows. */
export const iamErrors = {
  throttled: () => awsError('Throttling', 400),
  gone: () => awsError('NoSuchEntity', 404),
  down: () => awsError('ServiceUnavailable', 503),
}
