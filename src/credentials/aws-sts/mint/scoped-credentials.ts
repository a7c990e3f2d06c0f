import type { STSClient } from '@aws-sdk/client-sts'
import { asStintError, StintError } from '../../../core/errors.ts'
import type { DenyListContent, IssuedCredentials, MintRequest } from '../../provider.ts'
import { type Exchange, sendOnce } from '../calls/call.ts'
import { failedCall } from '../calls/observer.ts'
import { type Attempt, withRetry } from '../calls/retry.ts'
import type { BrokerKeys } from '../own-credentials/broker-credentials.ts'
import { type AssumeRoleDeps, AssumeRoleMinter } from './assume-role.ts'
import { type LeaseSession, MAX_CHAINED_SESSION_SECONDS, toLeaseSession } from './lease-session.ts'
import { type ParentSession, ParentSessions } from './parent-sessions.ts'
import { GetScopedCredentialsCommand, type ScopedCredentialsOutput } from './scoped-credentials-command.ts'
import { checkedCredentials } from './session-answer.ts'
import { sessionRequest } from './session-request.ts'

/** How much longer than the lease its credentials live; shorter than what a session lives after its own end. */
const MARGIN_SECONDS = 30
/** The longest time from the start of a parent session to its Deny; the session itself ends a minute later. */
const PARENT_MS = (MAX_CHAINED_SESSION_SECONDS - 60) * 1_000

/** Dependencies of GetScopedCredentials; those of AssumeRole make the session that each grant needs. */
export interface ScopedCredentialsDeps extends AssumeRoleDeps {
  /** A client that signs with these. */
  readonly clientFor: (keys: BrokerKeys) => STSClient
}

/**
 * Mints leases by GetScopedCredentials, from one AssumeRole a grant. Not proven: nobody has run it against AWS.
 *
 * The session of a grant is named after the lease that needed it first, and all leases made from it share it, so that what is on
 * record before the call is found in AWS's log. It may do what the plan allows, until the grant's deadline or an hour is over.
 * Two first leases at the same time make a session each, named after each. A session that was or may have been made is never
 * called `not_minted`, whatever became of the lease.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetScopedCredentials.html
 */
export class ScopedCredentialsMinter {
  readonly #deps: ScopedCredentialsDeps
  readonly #assumeRole: AssumeRoleMinter
  readonly #parents: ParentSessions

  constructor(deps: ScopedCredentialsDeps) {
    this.#deps = deps
    this.#assumeRole = new AssumeRoleMinter(deps)
    this.#parents = new ParentSessions(deps.clock)
  }

  /** @throws {StintError} as `CredentialProvider.mint`. */
  async mint(request: MintRequest, signal: AbortSignal): Promise<IssuedCredentials> {
    const { clock, leaseEnd } = this.#deps
    const lease = toLeaseSession(request, leaseEnd)
    // A lease that STS would refuse is refused before a session is made for it.
    sessionRequest(lease, undefined, clock.now(), leaseEnd)
    this.#deps.sizes.check(lease)
    const held = this.#parents.find(request.grant.id, lease.notAfter)
    const first = held ? await this.#fromHeld(held, lease, signal) : undefined
    if (first && !(first instanceof StintError)) return first
    try {
      return await this.#fromNew(request, lease, signal)
    } catch (error) {
      throw first?.details.outcome === 'unknown' ? asMinted(error) : error
    }
  }

  /** Forgets the sessions that are about to be denied. */
  dropDenied(list: DenyListContent, inTarget: (roleArn: string) => boolean): void {
    this.#parents.dropDenied(list, inTarget)
  }

  close(): void {
    this.#parents.close()
  }

  /** @returns an error where the session has ended too early, or was ended, and another one may do. */
  async #fromHeld(
    parent: ParentSession,
    lease: LeaseSession,
    signal: AbortSignal,
  ): Promise<IssuedCredentials | StintError> {
    try {
      return await this.#scope(parent, lease, signal)
    } catch (error) {
      if (!(error instanceof StintError) || error.details.fault !== SPENT) throw error
      this.#parents.drop(parent)
      return error
    }
  }

  async #fromNew(request: MintRequest, lease: LeaseSession, signal: AbortSignal): Promise<IssuedCredentials> {
    const parent = await this.#makeParent(request, lease, signal)
    try {
      return await this.#scope(parent, lease, signal)
    } catch (error) {
      if (error instanceof StintError && error.details.fault === SPENT) this.#parents.drop(parent)
      throw asMinted(error)
    }
  }

  async #makeParent(request: MintRequest, lease: LeaseSession, signal: AbortSignal): Promise<ParentSession> {
    const { clock, leaseEnd, clientFor } = this.#deps
    const { id: grantId, subject: agent, deadline = lease.notAfter } = request.grant
    const longest = Math.min(deadline.getTime(), clock.now().getTime() + PARENT_MS)
    const notAfter = new Date(Math.max(lease.notAfter.getTime(), longest))
    const session = toLeaseSession({ ...request, lease: { ...request.lease, notAfter } }, leaseEnd)
    const credentials = await this.#assumeRole.mint(session, signal)
    const client = clientFor({
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey.reveal(),
      sessionToken: credentials.sessionToken.reveal(),
    })
    const parent = { grantId, agent, roleArn: lease.roleArn, credentials, client, notAfter }
    this.#parents.keep(parent, lease.notAfter)
    return parent
  }

  async #scope(parent: ParentSession, lease: LeaseSession, signal: AbortSignal): Promise<IssuedCredentials> {
    const { clock, random, limits, bucket, observer } = this.#deps
    const { secretAccessKey, sessionToken } = parent.credentials
    const call = { service: 'sts', operation: 'GetScopedCredentials', roleArn: lease.roleArn } as const
    const context = { ...call, secrets: [secretAccessKey.reveal(), sessionToken.reveal()] }
    try {
      const credentials = await withRetry((attempt) => this.#once(parent, lease, attempt, signal), context, signal, {
        clock,
        random,
        limits,
        pace: (maxWaitMs, abort) => bucket.acquire({ maxWaitMs, signal: abort }),
        onFault: (fault, number) => {
          if (fault.row.kind === 'throttled') bucket.slowDown()
          this.#deps.sizes.failed(lease, fault)
          observer.callFailed?.(failedCall(call, fault, number))
        },
        // Credentials of a grant that AWS refuses say nothing of the broker's own.
        onEnd: (error) => {
          if (error?.details.fault !== 'broker_credentials') observer.callEnded?.({ ...call, error })
        },
      })
      this.#parents.keep(parent, lease.notAfter)
      return credentials
    } catch (error) {
      throw error instanceof StintError && error.details.fault === 'broker_credentials' ? spent(error) : error
    }
  }

  async #once(
    parent: ParentSession,
    lease: LeaseSession,
    attempt: Attempt,
    signal: AbortSignal,
  ): Promise<IssuedCredentials> {
    const { clock, strictness, attemptTimeoutMs } = this.#deps
    const leaseSeconds = Math.ceil((lease.notAfter.getTime() - clock.now().getTime()) / 1_000)
    const durationSeconds = Math.max(1, leaseSeconds + MARGIN_SECONDS)
    const command = new GetScopedCredentialsCommand({ Policy: lease.sessionPolicy, DurationSeconds: durationSeconds })
    const exchange: Exchange = { sent: false }
    const send = (abortSignal: AbortSignal): Promise<ScopedCredentialsOutput> =>
      parent.client.send(command, { abortSignal })
    try {
      const answer = await sendOnce(send, command, { timeoutMs: attemptTimeoutMs, signal, exchange })
      const check = { durationSeconds, now: clock.now(), strictness, not: parent.credentials }
      return checkedCredentials(answer.Credentials, lease.notAfter, check)
    } finally {
      attempt.sent = exchange.sent
    }
  }
}

const SPENT = 'grant_session'

function spent({ details, cause }: StintError): StintError {
  const explanation = 'AWS rejected the credentials of the session that the leases of this grant are made from.'
  return new StintError('PROVIDER_UNAVAILABLE', { ...details, explanation, fault: SPENT }, cause)
}

/** A session with the name of this lease exists, so the lease counts as minted. */
function asMinted(thrown: unknown): StintError {
  const { code, details, cause } = asStintError(thrown)
  return new StintError(code, { ...details, outcome: 'unknown' }, cause)
}
