import type { GrantInfo } from '../../sdk/types.ts'
import type { CommandIo } from '../command.ts'
import { visible } from '../visible.ts'

/**
 * Tells the person at the terminal that the grant waits for approval, which command shows it to an approver, and the key that leads
 * back to it, whatever becomes of this process.
 */
export function createApprovalNotifier({
  stderr,
}: Pick<CommandIo, 'stderr'>): (approvalId: string, grant: GrantInfo, idempotencyKey: string) => void {
  return (approvalId, { id, approvalExpiresAt }, idempotencyKey) => {
    const until = approvalExpiresAt ? ` until ${approvalExpiresAt.toISOString()}` : ''
    const show = visible(approvalId)
    stderr.write(
      `stint: grant ${visible(id)} is waiting for approval${until}; to review it: stint approvals show ${show}\n` +
        `stint: to come back to it: the same command with --idempotency-key ${visible(idempotencyKey)}\n`,
    )
  }
}
