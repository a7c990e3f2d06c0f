import {
  CreatePolicyVersionCommand,
  DeletePolicyVersionCommand,
  DeleteRolePolicyCommand,
  GetPolicyVersionCommand,
  GetRolePolicyCommand,
  type IAMClient,
  LimitExceededException,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  type PolicyVersion,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import type { Clock } from '../../../core/clock.ts'
import { StintError } from '../../../core/errors.ts'
import type { WriteRight } from '../../provider.ts'
import type { FindIamAccess } from '../accounts/iam-access.ts'
import { type Exchange, sendOnce } from '../calls/call.ts'
import { TOO_MANY_VERSIONS } from '../calls/errors.ts'
import { failedCall, type ProviderObserver } from '../calls/observer.ts'
import { type Attempt, type RetryLimits, withRetry } from '../calls/retry.ts'
import { MANAGED_POLICY_CHARACTERS, policyCharacters } from './deny-document.ts'
import type { DenyDocument } from './deny-list-locations.ts'

/** IAM keeps this many versions of a managed policy. */
const MAX_VERSIONS = 5
/** Pages of a listing of role policies; a role has far fewer. */
const MAX_PAGES = 10

/** Dependencies of the writer. */
export interface IamDenyWriterDeps {
  /** Finds the client for a deny list by its key. Each account has its own; its credentials may differ from the minting ones. */
  readonly accessTo: FindIamAccess
  readonly clock: Clock
  readonly random: () => number
  /** `totalMs` is a hard end: nothing is sent after it, so it must be shorter than the claim of the one writer. */
  readonly limits: RetryLimits
  /** Timeout of one call. */
  readonly attemptTimeoutMs: number
  readonly observer: ProviderObserver
}

/**
 * Reads deny documents of IAM and writes them whole, never edits of them, so that repeating a write after a crash or a lost answer is
 * harmless. The caller sees to it that each document has one writer: IAM has no conditional write.
 */
export class IamDenyWriter {
  readonly #deps: IamDenyWriterDeps

  constructor(deps: IamDenyWriterDeps) {
    this.#deps = deps
  }

  /**
   * Reads the document as it is now; undefined where there is no inline policy.
   *
   * @throws {StintError} as `write`.
   */
  async read(listKey: string, document: DenyDocument, signal: AbortSignal): Promise<Answer<string | undefined>> {
    const call = this.#caller(listKey, signal)
    if (document.kind === 'inline') {
      const { roleName: RoleName, policyName: PolicyName } = document
      return call('GetRolePolicy', async (send) => {
        const found = await send(new GetRolePolicyCommand({ RoleName, PolicyName })).catch(unlessGone)
        return found && decoded(found.PolicyDocument)
      })
    }
    const { policyArn: PolicyArn } = document
    return call('GetPolicyVersion', async (send) => {
      const { Versions = [] } = await send(new ListPolicyVersionsCommand({ PolicyArn, MaxItems: 100 }))
      const current = Versions.find(({ IsDefaultVersion }) => IsDefaultVersion)
      const { PolicyVersion } = await send(new GetPolicyVersionCommand({ PolicyArn, VersionId: current?.VersionId }))
      return decoded(PolicyVersion?.Document)
    })
  }

  /**
   * Resolves when IAM has accepted the document; its effect follows within seconds to minutes.
   *
   * @param text undefined: an inline policy is taken away.
   * @param right is asked before each call that changes something.
   *
   * @throws {StintError} PROVIDER_REFUSED with `details.limit` when the document is too long for IAM, without it when IAM
   *   refuses otherwise; PROVIDER_THROTTLED and PROVIDER_UNAVAILABLE after retries; CANCELLED.
   */
  async write(
    listKey: string,
    document: DenyDocument,
    text: string | undefined,
    signal: AbortSignal,
    right?: WriteRight,
  ): Promise<Answer<unknown>> {
    const call = this.#caller(listKey, signal, right)
    if (document.kind === 'inline') return this.#writeInline(document, text, call)
    // A managed policy always has a statement.
    if (text === undefined) throw new StintError('INTERNAL')
    return this.#writeManaged(document.policyArn, text, call)
  }

  #writeManaged(PolicyArn: string, PolicyDocument: string, call: Call): Promise<Answer<unknown>> {
    return call('CreatePolicyVersion', async (send, change) => {
      await this.#makeRoom(PolicyArn, send, change)
      await change(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument, SetAsDefault: true })).catch((error) => {
        throw isVersionLimit(error, PolicyDocument)
          ? Object.assign(error, { name: TOO_MANY_VERSIONS, Code: undefined })
          : error
      })
    })
  }

  /** Before each try, since a try whose answer was lost may have made a version. */
  async #makeRoom(PolicyArn: string, send: Send, change: Send): Promise<void> {
    const { Versions = [] } = await send(new ListPolicyVersionsCommand({ PolicyArn, MaxItems: 100 }))
    const surplus = Versions.length - (MAX_VERSIONS - 1)
    const oldest = Versions.filter((version) => !version.IsDefaultVersion).sort(byAge)
    for (const { VersionId } of oldest.slice(0, Math.max(0, surplus)))
      await change(new DeletePolicyVersionCommand({ PolicyArn, VersionId })).catch(unlessGone)
  }

  #writeInline(
    { roleName: RoleName, policyName: PolicyName }: Extract<DenyDocument, { kind: 'inline' }>,
    PolicyDocument: string | undefined,
    call: Call,
  ): Promise<Answer<unknown>> {
    if (PolicyDocument !== undefined)
      return call('PutRolePolicy', (_, change) =>
        change(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument })),
      )
    return call('DeleteRolePolicy', async (send, change) => {
      await change(new DeleteRolePolicyCommand({ RoleName, PolicyName })).catch(async (error) => {
        // "Gone already" is what was wanted; "no such role" is not, and IAM has one code for both.
        unlessGone(error)
        await expectAbsent(RoleName, PolicyName, send)
      })
    })
  }

  #caller(target: string, signal: AbortSignal, right?: WriteRight): Call {
    const { clock, random, limits, attemptTimeoutMs, observer } = this.#deps
    const { client, credentials, breaker, revoker, ready } = this.#deps.accessTo(target)
    const revokerArn = revoker && { revokerArn: revoker.roleArn }
    const call = { service: 'iam', target, ...(revoker && { accountId: revoker.accountId }) } as const
    const deadlineMs = clock.monotonicMs() + limits.totalMs
    return async (operation, run) => {
      const once = async (attempt: Attempt) => {
        let at: Date | undefined
        const exchangeOnce = async (command: { readonly input: object }, beforeSend?: () => void) => {
          const exchange: Exchange = { sent: false, beforeSend }
          const timeoutMs = Math.min(attemptTimeoutMs, deadlineMs - clock.monotonicMs())
          if (timeoutMs <= 0) throw outOfTime(operation, target)
          try {
            return await sendOnce(
              (abortSignal) => client.send(command as CreatePolicyVersionCommand, { abortSignal }),
              command,
              { timeoutMs, signal, exchange },
            )
          } finally {
            attempt.sent ||= exchange.sent
            at = exchange.serverDate ?? at
          }
        }
        const send = (command: { readonly input: object }) => exchangeOnce(command)
        const change = async (command: { readonly input: object }) => {
          await right?.confirm()
          return exchangeOnce(command, right && (() => right.hold()))
        }
        await ready?.(signal)
        const value = await run(send as unknown as Send, change as unknown as Send)
        return { value, ...(at && { at }) }
      }
      return withRetry(once, { operation, target, ...revokerArn }, signal, {
        clock,
        random,
        limits,
        credentials,
        ...(breaker && { breaker }),
        onFault: (fault, attempt) => observer.callFailed?.(failedCall({ ...call, operation }, fault, attempt)),
        onEnd: (error) => observer.callEnded?.({ ...call, operation, error }),
      })
    }
  }
}

/** A write that goes on after the caller's claim has lapsed could overwrite a newer list with an older one. */
function outOfTime(operation: string, target: string): StintError {
  return new StintError('PROVIDER_UNAVAILABLE', {
    explanation: 'IAM did not respond in time; the broker cancelled the write so that it cannot overtake a later one.',
    operation,
    target,
    outcome: 'unknown',
  })
}

type Send = IAMClient['send']
/** Runs calls of one operation; those that change something are sent by `change`. */
type Call = <R>(operation: string, run: (send: Send, change: Send) => Promise<R>) => Promise<Answer<R>>

/** The result of a call, and the cloud's time as its last answer told it. */
export interface Answer<R> {
  readonly value: R
  readonly at?: Date
}

/** IAM encodes documents as RFC 3986 does; radosgw sends them as they are. */
function decoded(document: string | undefined): string | undefined {
  if (document === undefined || !document.startsWith('%')) return document
  return decodeURIComponent(document)
}

async function expectAbsent(RoleName: string, PolicyName: string, send: Send): Promise<void> {
  let Marker: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await send(new ListRolePoliciesCommand({ RoleName, ...(Marker ? { Marker } : {}) }))
    if (answer.PolicyNames?.includes(PolicyName)) break
    if (!answer.IsTruncated || !answer.Marker) return
    Marker = answer.Marker
  }
  throw new StintError('PROVIDER_UNAVAILABLE', {
    explanation: 'IAM gave contradictory answers about the inline policy; the broker tries the removal again.',
    outcome: 'unknown',
  })
}

/** Versions are v1, v2 …; creation dates have whole seconds and may be equal. */
function byAge(a: PolicyVersion, b: PolicyVersion): number {
  return versionNumber(a) - versionNumber(b)
}

function versionNumber({ VersionId }: PolicyVersion): number {
  return Number(VersionId?.replace(/^v(\d+).*$/, '$1') ?? Number.NaN) || 0
}

/**
 * True if IAM refused one version too many: somebody else made one since the versions were listed, or the list was not up to date.
 * It must not be taken for a document that is too long, which the caller would shorten by denying more sessions.
 */
function isVersionLimit(error: unknown, document: string): error is Error {
  return error instanceof LimitExceededException && policyCharacters(document) <= MANAGED_POLICY_CHARACTERS
}

/** NoSuchEntity is IAM's one error with status 404; radosgw sends the status without the code. */
function unlessGone(error: unknown): undefined {
  const { $metadata } = (error ?? {}) as { $metadata?: { httpStatusCode?: number } }
  if ($metadata?.httpStatusCode !== 404) throw error
}
