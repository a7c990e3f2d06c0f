import { asStintError, type ErrorCode, hasCode } from '../core/errors.ts'
import { failpoint } from '../core/process/failpoint.ts'
import type { Grant, Lease } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import type { GrantAnswer } from './grant-view.ts'
import { mintLease } from './lease-mint.ts'
import type { GrantParts } from './parts.ts'
import { toView } from './view-of.ts'

/** Errors of a mint that no repeat can mend: the grant is of no use, so it ends. */
const HOPELESS = ['PROVIDER_REFUSED', 'SESSION_POLICY_TOO_LARGE', 'PROVIDER_ANSWER_INVALID'] as const

/** Mints; when that can never succeed, ends the grant as `mint_failed` before the error goes out. */
export async function mintOrEnd(
  parts: GrantParts,
  { grant, lease, plan, signal }: { grant: Grant; lease: Lease; plan: Plan; signal: AbortSignal },
): Promise<GrantAnswer> {
  try {
    const revealed = await mintLease(parts, { grant, lease, plan, signal })
    return { ...(await toView(parts, grant, revealed.lease)), lease: revealed }
  } catch (thrown) {
    const error = asStintError(thrown)
    if (HOPELESS.some((code) => code === error.code)) await endAsFailed(parts, grant.id, error.code)
    throw error
  }
}

async function endAsFailed({ ledger, ender, clock }: GrantParts, grantId: string, code: ErrorCode): Promise<void> {
  const grant = await ledger.getGrant(grantId)
  if (grant?.state !== 'active') return
  failpoint('mint_failed.before_record')
  try {
    await ender.end({
      grant,
      reason: 'mint_failed',
      now: clock.now(),
      deny: 'always',
      actor: 'stint',
      eventData: { code },
    })
  } catch (error) {
    // Somebody else moved it at the same time; its deadline ends it in any case.
    if (!hasCode(error, 'LEDGER_CONFLICT')) throw error
  }
}
