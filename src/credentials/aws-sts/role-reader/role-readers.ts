import type { IAMClient } from '@aws-sdk/client-iam'
import type { RoleDocuments } from '../../../aws/role-policies/role-documents.ts'
import type { RolePlace } from '../../../aws/roles/role-template.ts'
import { asStintError, StintError } from '../../../core/errors.ts'
import { TokenBucket } from '../../../core/limits/token-bucket.ts'
import { obtain } from '../accounts/iam-accounts.ts'
import { assumeRevoker, type RevokerSessionDeps } from '../accounts/revoker-session.ts'
import { type Exchange, sendOnce } from '../calls/call.ts'
import type { IamClients } from '../calls/clients.ts'
import { failedCall } from '../calls/observer.ts'
import { type RetryLimits, withRetry } from '../calls/retry.ts'
import type { ExternalIdSource } from '../mint/external-ids.ts'
import { BrokerCredentials } from '../own-credentials/broker-credentials.ts'
import { type ReadPolicies, readRole, type SendToIam } from './read-role.ts'
import { READER_SESSION_NAME, readerPolicy, splitIntoSessions } from './reader-session.ts'

/** Dependencies of `RoleReaders`. */
export interface RoleReadersDeps extends RevokerSessionDeps {
  /** Makes the sockets of one account's reading. */
  readonly createClients: () => IamClients
}

/** The roles of one account that are to be read. */
export interface AccountToRead {
  readonly place: RolePlace
  /** The reader: a role of the account that the broker assumes for this and nothing else. */
  readonly readerArn: string
  readonly externalId?: ExternalIdSource
  readonly roleArns: readonly string[]
}

/** Outcome of reading an account; every role is in one of the lists, or was not reached. */
export interface AccountReading {
  readonly roles: readonly RoleDocuments[]
  /** Roles that IAM refused, or whose policies cannot be used. */
  readonly failed: readonly { readonly roleArn: string; readonly error: StintError }[]
  /** Why the rest was not read: the reader could not be assumed, or IAM was down or throttled. */
  readonly stopped?: StintError
}

const LIMITS: RetryLimits = { maxAttempts: 4, baseDelayMs: 500, maxDelayMs: 5_000, totalMs: 30_000 }
/** IAM's rates count by account, and the account's own automation and the deny list need them more. */
const CALLS_PER_SECOND = 10

/** Reads the policies of roles through a reader role in each account. */
export class RoleReaders {
  readonly #deps: RoleReadersDeps

  constructor(deps: RoleReadersDeps) {
    this.#deps = deps
  }

  /** Reads one account, one role after the other. @throws {StintError} CANCELLED when `signal` fires. */
  async read(account: AccountToRead, signal: AbortSignal): Promise<AccountReading> {
    const { clock, createClients } = this.#deps
    const roles: RoleDocuments[] = []
    const failed: { roleArn: string; error: StintError }[] = []
    const policies: ReadPolicies = new Map()
    const bucket = new TokenBucket({ clock, ratePerSecond: CALLS_PER_SECOND })
    const clients = createClients()
    try {
      for (const roleArns of splitIntoSessions(account.roleArns)) {
        const credentials = this.#credentials(account, roleArns, signal)
        await obtain(credentials, signal)
        const client = clients.clientFor(credentials.source)
        for (const roleArn of roleArns) {
          const send = this.#sender({ client, credentials, bucket, account, roleArn }, signal)
          try {
            roles.push(await readTwice(() => readRole(send, roleArn, { readAt: clock.now(), policies })))
          } catch (thrown) {
            const error = asStintError(thrown)
            if (!isOfOneRole(error)) throw error
            failed.push({ roleArn, error: explained(error, roleArn, account.readerArn) })
          }
        }
      }
      return { roles, failed }
    } catch (thrown) {
      const stopped = asStintError(thrown)
      if (signal.aborted || stopped.code === 'CANCELLED') throw stopped
      return { roles, failed, stopped }
    } finally {
      clients.close()
    }
  }

  #credentials(
    { readerArn, externalId, place }: AccountToRead,
    roleArns: readonly string[],
    signal: AbortSignal,
  ): BrokerCredentials {
    const request = {
      roleArn: readerArn,
      externalId: externalId && { source: externalId, place, isListed: true },
      sessionPolicy: readerPolicy(roleArns),
      sessionName: READER_SESSION_NAME,
      noun: 'reader',
    }
    return new BrokerCredentials({ clock: this.#deps.clock, read: () => assumeRevoker(this.#deps, request, signal) })
  }

  #sender({ client, credentials, bucket, account, roleArn }: SenderParts, signal: AbortSignal): SendToIam {
    const { clock, random, observer, attemptTimeoutMs: timeoutMs } = this.#deps
    const send = async (command: Command) => {
      const operation = command.constructor.name.replace(/Command$/, '')
      const call = { service: 'iam', operation, roleArn, accountId: account.place.accountId } as const
      return withRetry(
        async (attempt) => {
          const exchange: Exchange = { sent: false }
          try {
            const once = (abortSignal: AbortSignal) => client.send(command as never, { abortSignal })
            return await sendOnce(once, command, { timeoutMs, signal, exchange })
          } finally {
            attempt.sent = exchange.sent
          }
        },
        { operation, roleArn },
        signal,
        {
          clock,
          random,
          limits: LIMITS,
          credentials,
          pace: (maxWaitMs, abort) => bucket.acquire({ maxWaitMs, signal: abort }),
          onFault: (fault, attempt) => {
            if (fault.row.kind === 'throttled') bucket.slowDown()
            observer.callFailed?.(failedCall(call, fault, attempt))
          },
        },
      )
    }
    return send as unknown as SendToIam
  }
}

interface SenderParts {
  readonly client: IAMClient
  readonly credentials: BrokerCredentials
  readonly bucket: TokenBucket
  readonly account: AccountToRead
  readonly roleArn: string
}

interface Command {
  readonly input: object
}

/** A policy that was listed and is gone has been removed meanwhile: the role is read once more. */
async function readTwice(read: () => Promise<RoleDocuments>): Promise<RoleDocuments> {
  try {
    return await read()
  } catch (error) {
    const { awsCode, operation } = error instanceof StintError ? error.details : {}
    if (awsCode !== 'NoSuchEntity' || operation === 'GetRole') throw error
    return read()
  }
}

/** False for a failure that the other roles of the account would meet too. */
function isOfOneRole({ code, details: { fault } }: StintError): boolean {
  return fault === 'refused' || code === 'ROLE_POLICIES_INVALID' || code === 'PROVIDER_ANSWER_INVALID'
}

function explained({ code, details, cause }: StintError, roleArn: string, readerArn: string): StintError {
  const { awsCode, operation } = details
  const known: Readonly<Record<string, string>> = {
    AccessDenied: `AWS denies iam:${operation} to the reader ${readerArn}: give it the permissions of a reader (docs/reach.md)${operation === 'GetRole' ? ', if the role exists' : ''}.`,
    NoSuchEntity: 'The role, or a policy of it, does not exist in the account.',
  }
  const because =
    code === 'ROLE_POLICIES_INVALID'
      ? `IAM's answer ${details.explanation}.`
      : (known[String(awsCode)] ?? details.explanation)
  return new StintError(code, { ...details, roleArn, explanation: `${roleArn} could not be read. ${because}` }, cause)
}
