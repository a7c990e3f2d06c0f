import { canonicalJson, type Json, sha256Hex } from '../../core/canonical-json.ts'
import { StintError } from '../../core/errors.ts'
import { auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { RegistrationReview } from '../../ledger/registrations/registration-ledger.ts'
import { notRegistered } from '../../ledger/rules/registration-rules.ts'
import { matchCovers } from '../../registry/agent-match.ts'
import type { Registration } from '../../registry/registration.ts'
import type { Operator } from '../operators/operator.ts'
import type { RegistrationParts } from './registration-changes.ts'
import { readUsage, type Usage } from './usage.ts'

/** Dependencies of reviewing registrations. */
export interface ReviewParts extends RegistrationParts {
  readonly ledger: RegistrationParts['ledger'] & Pick<Ledger, 'listGrants' | 'getPlan'>
}

/** The facts that a reviewer of a registration sees. */
export interface AgentReview {
  readonly registration: Registration
  readonly usage: Usage
  /** The last review that was signed for these agents. */
  readonly last?: Pick<RegistrationReview, 'at' | 'by' | 'nextAt'>
  /** The next review would be due then, were this one signed now. */
  readonly nextAt: Date
  /** False for an operator who runs the agents, or one who is no approver. */
  readonly maySign: boolean
  /**
   * SHA-256 over the registration and what the agents used and never used, which a signature is for. Counts and times are left out,
   * since they change with every request.
   */
  readonly shown: string
}

/** @throws {StintError} REGISTRATION_NOT_FOUND */
export async function showReview(parts: ReviewParts, operator: Operator, name: string): Promise<AgentReview> {
  const registration = parts.registry.current().named(name)
  if (!registration) throw notRegistered(name)
  const [usage, { reviews }] = await Promise.all([readUsage(parts.ledger, registration), parts.ledger.registrations()])
  const last = reviews.find((review) => review.name === name && review.match === registration.match)
  return {
    registration,
    usage,
    ...(last && { last: { at: last.at, by: last.by, nextAt: last.nextAt } }),
    nextAt: new Date(parts.clock.now().getTime() + parts.inventorySettings().reviewPeriodMs),
    maySign: explainIneligible(operator, registration) === undefined,
    shown: digest(registration, usage),
  }
}

/**
 * Signs a review: the registration is in order for one review period more.
 *
 * @param words.shown the digest that the operator was shown; another one is REVIEW_STALE.
 * @throws {StintError} REGISTRATION_NOT_FOUND, REVIEW_NOT_ELIGIBLE, REVIEW_STALE, REGISTRATION_CHANGED
 */
export async function signReview(
  parts: ReviewParts,
  operator: Operator,
  name: string,
  { shown, note }: { readonly shown: string; readonly note: string },
): Promise<Registration> {
  const { registration, nextAt, shown: current } = await showReview(parts, operator, name)
  const ineligible = explainIneligible(operator, registration)
  if (ineligible) throw new StintError('REVIEW_NOT_ELIGIBLE', { explanation: ineligible, registration: name })
  if (shown !== current) {
    const explanation = `The registration ${name}, or what its agents use, has changed since; look at the review again.`
    throw new StintError('REVIEW_STALE', { explanation, registration: name })
  }
  const { match } = registration
  const [at, by] = [parts.clock.now(), operatorActor(operator)]
  const { reviews } = await parts.ledger.registrations()
  const data = { registration: name, match, nextAt: nextAt.toISOString(), shown, note }
  await parts.ledger.recordReview({
    review: { name, match, at, by, nextAt, shown },
    expectedNumber: reviews.find((review) => review.name === name)?.number ?? 0,
    events: [auditEvent('agent.reviewed', { at, actor: by, data })],
  })
  await parts.registry.refresh()
  return parts.registry.current().named(name) ?? registration
}

/** Somebody who runs one of the agents would sign for their own. */
function explainIneligible(operator: Operator, { name, match }: Registration): string | undefined {
  const runs = operator.subjects.find((subject) => matchCovers(subject, match) || matchCovers(match, subject))
  if (runs === undefined) return undefined
  return `${operator.name} runs ${runs}, which ${name} covers; somebody else must sign the review.`
}

function digest({ source: _, version: __, reviewAt: ___, ...registration }: Registration, usage: Usage): string {
  const { used, neverUsed } = usage
  return sha256Hex(canonicalJson(JSON.parse(JSON.stringify({ registration, used, neverUsed })) as Json))
}
