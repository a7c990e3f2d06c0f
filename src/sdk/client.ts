import { randomUUID } from 'node:crypto'
import type { CompleteGrantResponse__Output } from '../contract/gen/stint/v1/CompleteGrantResponse.ts'
import type { GetGrantResponse__Output } from '../contract/gen/stint/v1/GetGrantResponse.ts'
import type { GrantState__Output } from '../contract/gen/stint/v1/GrantState.ts'
import type { ListGrantsResponse__Output } from '../contract/gen/stint/v1/ListGrantsResponse.ts'
import type { PlanTaskResponse__Output } from '../contract/gen/stint/v1/PlanTaskResponse.ts'
import type { RenewLeaseResponse__Output } from '../contract/gen/stint/v1/RenewLeaseResponse.ts'
import type { RequestGrantResponse__Output } from '../contract/gen/stint/v1/RequestGrantResponse.ts'
import { toTimestamp } from '../contract/timestamp.ts'
import { StintError } from '../core/errors.ts'
import { Calls } from './calls.ts'
import { type ChannelUse, Connection } from './connection/connection.ts'
import { followGrant } from './follow.ts'
import { type GateSettings, requestUntilActive } from './gate.ts'
import { Grant } from './grant.ts'
import {
  type CallSettings,
  checkOptions,
  createTiming,
  type StintClientOptions,
  svidProvider,
  tokenSource,
} from './options.ts'
import { type TaskCredentialProvider, taskCredentials } from './task-credentials.ts'
import type { Timing } from './timing.ts'
import type {
  ActivityReport,
  CredentialProvider,
  GrantAnswer,
  GrantInfo,
  GrantState,
  PlanAnswer,
  Task,
} from './types.ts'
import { toAnswer, toDecisionInfo, toGrantInfo, toPlanInfo, toWireTask } from './views.ts'

/** Whoever gives up a wait does not want to wait long for it. */
const WITHDRAW_WITHIN_MS = 5_000

/** Settings of `request`, `credentials` and `run`. */
export interface RequestSettings extends GateSettings {
  /** 8 to 128 characters of `A-Za-z0-9._:-`. The same key and task are the same grant, also after a crash of the agent. */
  readonly idempotencyKey?: string
}

/** The argument of the function given to `run`. */
export interface TaskContext {
  readonly credentials: CredentialProvider
  readonly grant: Grant
  /** Aborts when the grant ends before the work does, or the caller's own signal does. */
  readonly signal: AbortSignal
}

/**
 * An agent's side of Stint. One client serves any number of grants over one connection; `close` it at the end.
 *
 * Every method throws StintError: its `code` is what the broker said, `retryable` whether the same call may succeed later.
 */
export class StintClient {
  readonly #timing: Timing
  readonly #connection: Connection
  readonly #calls: Calls
  readonly #watchBy: ChannelUse
  readonly #closed = new AbortController()

  /** Connects with the first call. @throws {StintError} CONFIG_INVALID, SPIFFE_ID_INVALID */
  constructor(options: StintClientOptions) {
    checkOptions(options)
    const { address, serverId, defaultDeadlineMs = 10_000, useProxy = false } = options
    this.#timing = createTiming(options)
    const source = svidProvider(options, this.#timing.clock)
    this.#connection = new Connection({ address, serverId, source, useProxy })
    const token = tokenSource(options)
    this.#watchBy = token ? 'streams' : 'calls'
    this.#calls = new Calls({
      connection: this.#connection,
      timing: this.#timing,
      token,
      defaultDeadlineMs,
      closed: this.#closed.signal,
    })
  }

  /** Says what a task comes to and what policy would say now; makes no grant. */
  async planTask(task: Task, settings?: CallSettings): Promise<PlanAnswer> {
    const request = { task: toWireTask(task) }
    const { plan, decision, couldApprove } = await this.#calls.unary<PlanTaskResponse__Output>(
      (stub, metadata, options, done) => stub.planTask(request, metadata, options, done),
      settings,
    )
    return {
      plan: toPlanInfo(plan),
      ...(decision && { decision: toDecisionInfo(decision) }),
      ...(couldApprove !== undefined && { couldApprove }),
    }
  }

  /** One RequestGrant: an active grant comes with a lease, one that needs a person without. */
  async requestGrant(task: Task, idempotencyKey: string, settings?: CallSettings): Promise<GrantAnswer> {
    const request = { task: toWireTask(task), idempotencyKey }
    return toAnswer(
      await this.#calls.unary<RequestGrantResponse__Output>(
        (stub, metadata, options, done) => stub.requestGrant(request, metadata, options, done),
        settings,
      ),
    )
  }

  /** One RenewLease. */
  async renewLease(grantId: string, settings?: CallSettings): Promise<GrantAnswer> {
    return toAnswer(
      await this.#calls.unary<RenewLeaseResponse__Output>(
        (stub, metadata, options, done) => stub.renewLease({ grantId }, metadata, options, done),
        settings,
      ),
    )
  }

  /** One CompleteGrant; saying it twice is saying it once. */
  async completeGrant(grantId: string, note = '', settings?: CallSettings): Promise<GrantInfo> {
    const { grant } = await this.#calls.unary<CompleteGrantResponse__Output>(
      (stub, metadata, options, done) => stub.completeGrant({ grantId, note }, metadata, options, done),
      settings,
    )
    return toGrantInfo(grant)
  }

  /** One grant of this agent. */
  async getGrant(grantId: string, settings?: CallSettings): Promise<GrantInfo> {
    const { grant } = await this.#calls.unary<GetGrantResponse__Output>(
      (stub, metadata, options, done) => stub.getGrant({ grantId }, metadata, options, done),
      settings,
    )
    return toGrantInfo(grant)
  }

  /** This agent's grants, newest first. `pageToken` is what the page before gave. */
  async listGrants(
    filter: { state?: Exclude<GrantState, 'unknown'>; pageSize?: number; pageToken?: string } = {},
    settings?: CallSettings,
  ): Promise<{ grants: GrantInfo[]; nextPageToken?: string }> {
    const { state, pageSize = 0, pageToken = '' } = filter
    const request = { pageSize, pageToken, state: wireState(state) }
    const { grants, nextPageToken } = await this.#calls.unary<ListGrantsResponse__Output>(
      (stub, metadata, options, done) => stub.listGrants(request, metadata, options, done),
      settings,
    )
    return { grants: grants.map(toGrantInfo), ...(nextPageToken && { nextPageToken }) }
  }

  /** Adds the agent's own account to the trail of a grant. Not retried, since a repeat would stand there twice. */
  async reportActivity(grantId: string, activities: readonly ActivityReport[], settings?: CallSettings): Promise<void> {
    const wire = activities.map(({ at, action, resource = '', note = '' }) => ({
      at: toTimestamp(at),
      action,
      resource,
      note,
    }))
    await this.#calls.unary<object>(
      (stub, metadata, options, done) => stub.reportActivity({ grantId, activities: wire }, metadata, options, done),
      { ...settings, retry: false },
    )
  }

  /** The states of a grant until a final one, over reconnects. @throws {StintError} what no reconnect helps against */
  watchGrant(grantId: string, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<GrantInfo, void> {
    return this.#follow(grantId, this.#watchBy, signal)
  }

  /**
   * Asks for a grant and waits at the gate: resolves when it is active, over reconnects and restarts of the broker.
   *
   * A wait that is given up, by `signal` or `approvalTimeoutMs`, withdraws the question, or keeps it for whoever repeats the request
   * with the same key: see `onGiveUp`. Wherever the grant may be there after an error, `details.idempotencyKey` leads back to it.
   *
   * @throws {StintError} POLICY_DENIED, APPROVAL_REJECTED, APPROVAL_EXPIRED; APPROVAL_PENDING or REQUEST_WITHDRAWN (only with
   *   `approvalTimeoutMs`), CANCELLED (`signal`), BROKER_UNAVAILABLE, and whatever the broker says of the task or the agent.
   */
  async request(task: Task, settings: RequestSettings = {}): Promise<Grant> {
    const { idempotencyKey = `sdk-${randomUUID()}` } = settings
    const { onGiveUp = settings.idempotencyKey === undefined ? 'withdraw' : 'keep' } = settings
    const answer = await requestUntilActive({
      idempotencyKey,
      complete: (grantId, note) => this.completeGrant(grantId, note, { deadlineMs: WITHDRAW_WITHIN_MS }),
      request: (signal) => this.requestGrant(task, idempotencyKey, { signal }),
      follow: (grantId, signal) => this.#follow(grantId, this.#watchBy, signal),
      timing: this.#timing,
      settings: { ...settings, onGiveUp },
    })
    return new Grant(answer, {
      clock: this.#timing.clock,
      renew: (grantId) => this.renewLease(grantId),
      complete: (grantId, note) => this.completeGrant(grantId, note),
      report: (grantId, activities) => this.reportActivity(grantId, activities),
      follow: (grantId, signal) => this.#follow(grantId, 'background', signal),
    })
  }

  /**
   * `new S3Client({ credentials: stint.credentials(task) })`: the first use asks for the grant, later ones answer from memory.
   * The provider also has `grant()` and `complete()`; a grant that nobody completes runs out at its deadline.
   */
  credentials(task: Task, settings: RequestSettings = {}): TaskCredentialProvider {
    const { idempotencyKey = `sdk-${randomUUID()}` } = settings
    return taskCredentials(() => this.request(task, { ...settings, idempotencyKey }))
  }

  /**
   * Asks for a grant, does the work and completes the grant, also when the work throws; then the work's error is the one that
   * is thrown, whatever became of the completion.
   */
  async run<T>(task: Task, work: (context: TaskContext) => Promise<T>, settings: RequestSettings = {}): Promise<T> {
    const grant = await this.request(task, settings)
    const signal = settings.signal ? AbortSignal.any([grant.signal, settings.signal]) : grant.signal
    let result: T
    try {
      result = await work({ credentials: grant.credentials(), grant, signal })
    } catch (error) {
      await grant.complete('failed').catch(() => undefined) // the work's own error is the one to hear
      throw error
    }
    await completeUnlessEnded(grant)
    return result
  }

  /** Ends what is under way and disconnects. Grants are not completed by it. */
  close(): void {
    this.#closed.abort(new StintError('CANCELLED', { explanation: 'The client was closed.' }))
    this.#connection.close()
  }

  #follow(grantId: string, use: ChannelUse, signal?: AbortSignal): AsyncGenerator<GrantInfo, void> {
    const either = signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal
    return followGrant({ calls: this.#calls, timing: this.#timing, grantId, use, signal: either })
  }
}

function wireState(state: Exclude<GrantState, 'unknown'> | undefined): GrantState__Output {
  return state === undefined ? 'GRANT_STATE_UNSPECIFIED' : (`GRANT_STATE_${state.toUpperCase()}` as GrantState__Output)
}

/** A grant that was ended while the work went on needs no completion; any other failure to complete is the caller's to know. */
async function completeUnlessEnded(grant: Grant): Promise<void> {
  const wasEnded = grant.signal.aborted
  try {
    await grant.complete()
  } catch (error) {
    if (!wasEnded) throw error
  }
}
