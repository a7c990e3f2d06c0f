import { hasCode, StintError } from '../core/errors.ts'
import type { StintClient } from '../sdk/client.ts'
import type { Grant } from '../sdk/grant.ts'
import type { Task } from '../sdk/types.ts'
import { createApprovalNotifier } from './approval-notice.ts'
import { type CommandIo, report } from './command.ts'

/** How a command asks, and how long it waits for approval. */
export interface AskOptions {
  readonly io: CommandIo
  /** e.g. `exec`; goes on record with the withdrawal. */
  readonly command: string
  readonly idempotencyKey?: string
  readonly approvalTimeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Asks for a grant. Giving up the wait, by a signal or by time, withdraws the question: nobody comes back for its answer.
 *
 * @throws {StintError} CANCELLED by the signal; APPROVAL_PENDING when the time is over, which says what became of the question.
 */
export async function requestOrWithdraw(
  client: StintClient,
  task: Task,
  { io, command, ...options }: AskOptions,
): Promise<Grant> {
  const notify = createApprovalNotifier(io)
  let awaitingGrantId: string | undefined
  try {
    return await client.request(task, {
      ...options,
      onAwaitingApproval: (approvalId, grant) => {
        awaitingGrantId = grant.id
        notify(approvalId, grant)
      },
    })
  } catch (error) {
    const isOver = hasCode(error, 'APPROVAL_PENDING')
    if (awaitingGrantId === undefined || !(isOver || hasCode(error, 'CANCELLED'))) throw error
    const withdrawn = await withdraw(client, awaitingGrantId, command, io)
    throw isOver && withdrawn ? toUndecidedError(error as StintError) : error
  }
}

async function withdraw(client: StintClient, grantId: string, command: string, io: CommandIo): Promise<boolean> {
  try {
    await client.completeGrant(grantId, `withdrawn by stint ${command}`)
    return true
  } catch (failed) {
    report(failed, io)
    return false
  }
}

function toUndecidedError({ code, details }: StintError): StintError {
  const explanation = 'Nobody decided the approval within --wait-for, so stint withdrew the request.'
  return new StintError(code, { ...details, explanation })
}
