import type { GrantInfo } from '../sdk/types.ts'
import type { CommandIo } from './command.ts'
import { visible } from './visible.ts'

/** Tells the person at the terminal what the wait is for, and what an approver has to type. */
export function createApprovalNotifier({
  stderr,
}: Pick<CommandIo, 'stderr'>): (approvalId: string, grant: GrantInfo) => void {
  return (approvalId, { id, approvalExpiresAt }) => {
    const until = approvalExpiresAt ? ` until ${approvalExpiresAt.toISOString()}` : ''
    const show = visible(approvalId)
    stderr.write(`stint: grant ${visible(id)} waits for a person${until}: stint approvals show ${show}\n`)
  }
}
