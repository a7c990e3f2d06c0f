import type { Clock } from '../core/clock.ts'
import { asStintError, type ErrorCode, hasCode, StintError } from '../core/errors.ts'
import { failpoint } from '../core/process/failpoint.ts'
import {
  type CredentialProvider,
  type IssuedCredentials,
  type MintOutcome,
  ProviderReply,
} from '../credentials/provider.ts'
import { auditEvent } from '../ledger/events/audit-event.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Grant, Lease } from '../ledger/records.ts'
import { requireNotHeld, touchedLabels } from '../ledger/rules/hold-rules.ts'
import { requireNoQuarantine } from '../ledger/rules/quarantine-rules.ts'
import type { Plan } from '../plan/plan.ts'
import { type EndParts, endGrant } from './end-grant.ts'
import { computeUsableUntil, type LifeSettings } from './lifecycle.ts'
import { type GrantView, toView } from './read-grants.ts'

/** Errors of a mint that no repeat can mend: the grant is of no use, so it ends. */
const HOPELESS = ['PROVIDER_REFUSED', 'SESSION_POLICY_TOO_LARGE', 'PROVIDER_ANSWER_INVALID'] as const

/** Dependencies of one mint. */
interface LeaseMintParts {
  readonly ledger: Pick<Ledger, 'settleLease' | 'getGrant' | 'quarantine' | 'holdsInForce'>
  readonly provider: Pick<CredentialProvider, 'mint'>
  readonly clock: Clock
  readonly settings: LifeSettings
  /** Told of each mint that failed, for the operators' log. */
  readonly onMintFailed?: (failure: MintFailure) => void
}

/** Dependencies of minting. */
export interface MintParts extends EndParts, LeaseMintParts {
  readonly ledger: Ledger
  readonly provider: CredentialProvider
}

/** A lease on record as `intended`, and what it is minted from. */
interface Mint {
  readonly grant: Grant
  readonly lease: Lease
  readonly plan: Plan
  readonly signal: AbortSignal
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

/** A lease on its way to the agent: the only place where credentials leave the process. */
export interface RevealedLease {
  readonly lease: Lease
  /** The expiration that SDKs are told: before `lease.notAfter`, so that no call meets the time Deny. */
  readonly usableUntil: Date
  readonly credentials: IssuedCredentials
}

/** The answer of RequestGrant and RenewLease. */
export interface GrantAnswer extends GrantView {
  /** Only with an active grant. */
  readonly lease?: RevealedLease
}

/** Mints; when that can never succeed, ends the grant as `mint_failed` before the error goes out. */
export async function mintOrEnd(parts: MintParts, mint: Mint): Promise<GrantAnswer> {
  try {
    const lease = await mintLease(parts, mint)
    return { ...(await toView(parts, mint.grant, lease.lease)), lease }
  } catch (thrown) {
    const error = asStintError(thrown)
    if (HOPELESS.some((code) => code === error.code)) await endAsFailed(parts, mint, error.code)
    throw error
  }
}

async function endAsFailed(parts: MintParts, { grant: { id }, plan }: Mint, code: ErrorCode): Promise<void> {
  const grant = await parts.ledger.getGrant(id)
  if (grant?.state !== 'active') return
  failpoint('mint_failed.before_record')
  try {
    await endGrant(parts, {
      grant,
      plan,
      reason: 'mint_failed',
      now: parts.clock.now(),
      deny: 'always',
      actor: 'stint',
      eventData: { code },
    })
  } catch (error) {
    // Somebody else moved it at the same time; its deadline ends it in any case.
    if (!hasCode(error, 'LEDGER_CONFLICT')) throw error
  }
}

/**
 * Turns a lease that is on record as `intended` into credentials. Order of effects: mint, record `issued`, look once more
 * whether the grant still lives, reveal. Whatever fails, the row says what is known: `not_minted` ended it, `unknown`
 * lets it count as minted until its `notAfter`.
 *
 * @throws {StintError} what the provider throws; CANCELLED; GRANT_NOT_ACTIVE when it was ended meanwhile; KILLED when a hold covers it
 *   meanwhile; LEDGER_UNAVAILABLE
 */
export async function mintLease(parts: LeaseMintParts, mint: Mint): Promise<RevealedLease> {
  const { ledger, clock, settings } = parts
  const { grant, lease } = mint
  failpoint('issue.after_intent')
  const credentials = await mintWithOutcome(parts, mint)
  failpoint('issue.after_mint')
  const issued = await ledger.settleLease({
    leaseId: lease.id,
    to: 'issued',
    accessKeyId: credentials.id,
    issuedAt: credentials.issuedAt,
    events: [
      auditEvent('lease.issued', {
        ...eventHead(grant, lease, clock.now()),
        data: { ...toLeaseFacts(lease), accessKeyId: credentials.id },
      }),
    ],
  })
  failpoint('issue.before_answer')

  const now = clock.now()
  const [current, quarantine, holds] = await Promise.all([
    ledger.getGrant(grant.id),
    ledger.quarantine(),
    ledger.holdsInForce(),
  ])
  requireNoQuarantine(quarantine, grant)
  requireNotHeld(holds, { ...grant, touches: touchedLabels(mint.plan) })
  if (current?.state !== 'active') throw toNotActiveError(current ?? grant)
  if (issued.notAfter <= now) {
    throw new StintError('PROVIDER_UNAVAILABLE', {
      explanation: `Lease ${lease.id} expired before it was issued; ask again.`,
    })
  }
  return { lease: issued, usableUntil: computeUsableUntil(issued, settings), credentials }
}

/** The error for a grant under which no lease can be had. */
export function toNotActiveError(grant: Grant): StintError {
  const { id, state, reason, claimBy } = grant
  if (state === 'awaiting_approval') {
    return new StintError('APPROVAL_PENDING', {
      grantId: id,
      explanation: `Grant ${id} is awaiting approval; watch it until it is active.`,
    })
  }
  if (reason === 'claim_expired') {
    const by = claimBy ? ` by ${claimBy.toISOString()}` : ' in time'
    const explanation = `Grant ${id} was approved, but its agent did not collect it${by}; request a new grant under a new idempotency key.`
    return new StintError('GRANT_NOT_ACTIVE', { grantId: id, state, reason, explanation })
  }
  const why = reason ? ` (${reason})` : ''
  const explanation = `Grant ${id} is ${state}${why}; request a new grant for further work.`
  return new StintError('GRANT_NOT_ACTIVE', { grantId: id, state, ...(reason ? { reason } : {}), explanation })
}

async function mintWithOutcome(
  { ledger, provider, clock, onMintFailed }: LeaseMintParts,
  { grant, lease, plan, signal }: Mint,
): Promise<IssuedCredentials> {
  try {
    if (signal.aborted) {
      throw new StintError('CANCELLED', {
        explanation: 'The caller cancelled the call before the mint.',
        outcome: 'not_minted',
      })
    }
    // The deny list counts on it: whoever is denied meanwhile stays so for as long as a session begun by then can live.
    if (lease.mintUntil !== undefined && lease.mintUntil <= clock.now()) {
      throw new StintError('PROVIDER_UNAVAILABLE', {
        explanation: `The time to mint lease ${lease.id} passed before its mint began; ask again.`,
        outcome: 'not_minted',
      })
    }
    return await provider.mint({ grant, lease, plan }, signal)
  } catch (thrown) {
    const error = asStintError(thrown)
    const outcome: MintOutcome = error.details.outcome === 'not_minted' ? 'not_minted' : 'unknown'
    const now = clock.now()
    const said = toProviderFacts(error)
    const { id: grantId, subject: agent } = grant
    if (error.code !== 'CANCELLED')
      onMintFailed?.({ grantId, leaseId: lease.id, agent, roleArn: lease.roleArn, code: error.code, outcome, ...said })
    const event = { ...eventHead(grant, lease, now), data: { ...toLeaseFacts(lease), code: error.code, ...said } }
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

function toProviderFacts({ cause }: StintError) {
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

/** Fields of every event about the provider's part in a lease. */
export function toLeaseFacts({ number, sessionName, notAfter }: Lease) {
  return { number, sessionName, notAfter: notAfter.toISOString() }
}
