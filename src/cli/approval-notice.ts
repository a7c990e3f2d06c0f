import type { GrantInfo } from '../sdk/types.ts'
import type { CommandIo } from './command.ts'
import { visible } from './visible.ts'

/** Tells the person at the terminal that the grant waits for approval, and which command shows it to an approver. */
export function createApprovalNotifier({
  stderr,
}: Pick<CommandIo, 'stderr'>): (approvalId: string, grant: GrantInfo) => void {
  return (approvalId, { id, approvalExpiresAt }) => {
    const until = approvalExpiresAt ? ` until ${approvalExpiresAt.toISOString()}` : ''
    const show = visible(approvalId)
    stderr.write(
      `stint: grant ${visible(id)} is waiting for approval${until}; to review it: stint approvals show ${show}\n`,
    )
  }
}
