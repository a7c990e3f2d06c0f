import type { Clock } from '../core/clock.ts'
import { asStintError, StintError } from '../core/errors.ts'
import { failpoint } from '../core/process/failpoint.ts'
import {
  type CredentialProvider,
  type IssuedCredentials,
  type MintOutcome,
  ProviderReply,
} from '../credentials/provider.ts'
import { auditEvent } from '../ledger/events.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Grant, Lease } from '../ledger/records.ts'
import type { Plan } from '../plan/plan.ts'
import type { RevealedLease } from './grant-view.ts'
import { type LifeSettings, usableUntil } from './lifecycle.ts'

/** What minting works with. */
export interface LeaseMintParts {
  readonly ledger: Ledger
  readonly provider: CredentialProvider
  readonly clock: Clock
  readonly settings: LifeSettings
  /** Told of each mint that failed, for the operators' log. */
  readonly onMintFailed?: (failure: MintFailure) => void
}

/** One mint that failed: who asked for what, and what the cloud said. Ids, codes and cleaned words only. */
export interface MintFailure {
  readonly grantId: string
  readonly leaseId: string
  readonly agent: string
  readonly roleArn: string
  readonly code: string
  readonly outcome: MintOutcome
  /** The cloud's own code, request id and words, as far as there are any. */
  readonly providerCode?: string
  readonly providerRequestId?: string
  readonly providerMessage?: string
}

/**
 * Turns a lease that is on record as `intended` into credentials. Order of effects: mint, record `issued`, look once more
 * whether the grant still lives, reveal. Whatever fails, the row says what is known: `not_minted` ended it, `unknown`
 * lets it count as minted until its `notAfter`.
 *
 * @throws {StintError} what the provider throws; CANCELLED; GRANT_NOT_ACTIVE when it was ended meanwhile; LEDGER_UNAVAILABLE
 */
export async function mintLease(
  parts: LeaseMintParts,
  { grant, lease, plan, signal }: { grant: Grant; lease: Lease; plan: Plan; signal: AbortSignal },
): Promise<RevealedLease> {
  const { ledger, clock, settings } = parts
  failpoint('issue.after_intent')
  const credentials = await mintOrSettle(parts, { grant, lease, plan, signal })
  failpoint('issue.after_mint')
  const issued = await ledger.settleLease({
    leaseId: lease.id,
    to: 'issued',
    accessKeyId: credentials.id,
    issuedAt: credentials.issuedAt,
    events: [
      auditEvent('lease.issued', {
        ...eventHead(grant, lease, clock.now()),
        data: { ...leaseFacts(lease), accessKeyId: credentials.id },
      }),
    ],
  })
  failpoint('issue.before_answer')

  const now = clock.now()
  const current = await ledger.getGrant(grant.id)
  if (current?.state !== 'active') throw notActive(current ?? grant)
  if (issued.notAfter <= now) {
    throw new StintError('PROVIDER_UNAVAILABLE', {
      explanation: `Lease ${lease.id} expired before it was issued; ask again.`,
    })
  }
  return { lease: issued, usableUntil: usableUntil(issued, settings), credentials }
}

/** The error for a grant under which no lease can be had. */
export function notActive(grant: Grant): StintError {
  const { id, state, reason } = grant
  if (state === 'awaiting_approval') {
    return new StintError('APPROVAL_PENDING', {
      grantId: id,
      explanation: `Grant ${id} is awaiting approval; watch it until it is active.`,
    })
  }
  const why = reason ? ` (${reason})` : ''
  const explanation = `Grant ${id} is ${state}${why}; request a new grant for further work.`
  return new StintError('GRANT_NOT_ACTIVE', { grantId: id, state, ...(reason ? { reason } : {}), explanation })
}

async function mintOrSettle(
  { ledger, provider, clock, onMintFailed }: LeaseMintParts,
  { grant, lease, plan, signal }: { grant: Grant; lease: Lease; plan: Plan; signal: AbortSignal },
): Promise<IssuedCredentials> {
  try {
    if (signal.aborted) {
      throw new StintError('CANCELLED', {
        explanation: 'The caller cancelled the call before the mint.',
        outcome: 'not_minted',
      })
    }
    return await provider.mint({ grant, lease, plan }, signal)
  } catch (thrown) {
    const error = asStintError(thrown)
    const outcome: MintOutcome = error.details.outcome === 'not_minted' ? 'not_minted' : 'unknown'
    const now = clock.now()
    const said = whatProviderSaid(error)
    const { id: grantId, subject: agent } = grant
    if (error.code !== 'CANCELLED')
      onMintFailed?.({ grantId, leaseId: lease.id, agent, roleArn: lease.roleArn, code: error.code, outcome, ...said })
    const event = { ...eventHead(grant, lease, now), data: { ...leaseFacts(lease), code: error.code, ...said } }
    failpoint('issue.before_outcome')
    await ledger.settleLease(
      outcome === 'not_minted'
        ? {
            leaseId: lease.id,
            to: 'ended',
            end: 'not_minted',
            endedAt: now,
            events: [auditEvent('lease.not_minted', event)],
          }
        : { leaseId: lease.id, to: 'unknown', events: [auditEvent('lease.unknown', event)] },
    )
    throw error
  }
}

function whatProviderSaid({ cause }: StintError) {
  if (!(cause instanceof ProviderReply)) return {}
  const { code, requestId, message } = cause
  return {
    providerCode: code,
    ...(requestId !== undefined && { providerRequestId: requestId }),
    ...(message && { providerMessage: message }),
  }
}

function eventHead(grant: Grant, lease: Lease, at: Date) {
  return { at, actor: 'stint', grantId: grant.id, leaseId: lease.id } as const
}

/** What every event of the provider's part in a lease says of it. */
export function leaseFacts({ number, sessionName, notAfter }: Lease) {
  return { number, sessionName, notAfter: notAfter.toISOString() }
}
