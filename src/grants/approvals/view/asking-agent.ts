import type { AuthMethod } from '../../../identity/caller-identity.ts'
import type { Grant, GrantAuthMethod } from '../../../ledger/records.ts'
import { matchCovers } from '../../../registry/agent-match.ts'
import type { Registration } from '../../../registry/registration.ts'
import { durationWords } from './words.ts'

/** The registrations in force. */
export interface RegistrationList {
  list(): readonly Registration[]
}

/** Who asks, and how far that is proven. */
export interface AskingAgent {
  readonly subject: string
  readonly trustDomain: string
  readonly authMethod: GrantAuthMethod
  /** Its proof of identity, in words. */
  readonly proof: string
  readonly registration: RegistrationView
  readonly owner: string
  readonly team: string
  /** When the oldest of its grants on record was requested. */
  readonly firstRequestedAt?: Date
  /** The same in words, with its number of days. */
  readonly known: string
}

/**
 * The registration that covered the agent when it asked, as it is now. `other`: the agent is covered by another one by now.
 * `gone`: by none.
 */
export interface RegistrationView {
  readonly name: string
  readonly state: 'current' | 'changed' | 'expired' | 'other' | 'gone'
  /** Changes since the request, and overdue dates; empty if there are none. */
  readonly notes: readonly string[]
  /** The operator's words; missing if the registration is gone, as the next two. */
  readonly purpose?: string
  readonly expiresAt?: Date
  readonly reviewAt?: Date
}

const PROOFS: Readonly<Record<AuthMethod | 'broker', string>> = {
  'x509-svid': 'X.509-SVID of its mTLS connection',
  'jwt-svid': 'JWT-SVID alone: a bearer token, which works for whoever holds it',
  'x509-svid+jwt-svid': 'X.509-SVID of its mTLS connection and a JWT-SVID of the same identity',
  oidc: 'token of its OIDC issuer alone: a bearer token, which works for whoever holds it',
  'x509-svid+oidc': 'token of its OIDC issuer, bound to the certificate of its connection',
  broker: 'none: the broker itself asks',
}

/** Describes the agent of a grant. */
export function describeAgent(
  grant: Grant,
  registrations: RegistrationList,
  { firstRequestedAt, now }: { readonly firstRequestedAt: Date | undefined; readonly now: Date },
): AskingAgent {
  const { subject, trustDomain, authMethod, owner, team } = grant
  return {
    subject,
    trustDomain,
    authMethod,
    proof: PROOFS[authMethod],
    registration: describeRegistration(grant, registrations.list(), now),
    owner,
    team,
    ...(firstRequestedAt && { firstRequestedAt }),
    known: describeAge(grant, firstRequestedAt),
  }
}

function describeRegistration(grant: Grant, all: readonly Registration[], now: Date): RegistrationView {
  const { registration: name, subject, owner, team } = grant
  const found = all.find((one) => one.name === name && matchCovers(one.match, subject))
  if (!found) return describeMissing(name, findCover(all, subject))
  const { purpose, expiresAt, reviewAt } = found
  const facts = { name, purpose, expiresAt, ...(reviewAt && { reviewAt }) }
  const review = reviewAt && reviewAt <= now ? [`Its review was due at ${reviewAt.toISOString()}.`] : []
  if (expiresAt <= now) {
    const notes = [
      `It expired at ${expiresAt.toISOString()}; until its owner renews it, nobody can approve.`,
      ...review,
    ]
    return { ...facts, state: 'expired', notes }
  }
  const changes = [
    ...(found.owner === owner ? [] : [`Its owner is ${found.owner} now, and was ${owner} when the agent asked.`]),
    ...(found.team === team ? [] : [`Its team is ${found.team} now, and was ${team} when the agent asked.`]),
  ]
  return { ...facts, state: changes.length > 0 ? 'changed' : 'current', notes: [...changes, ...review] }
}

function describeMissing(name: string, cover: Registration | undefined): RegistrationView {
  if (!cover) {
    const notes = [
      'It is gone, and no other one covers the agent; until an operator registers it again, nobody can approve.',
    ]
    return { name, state: 'gone', notes }
  }
  return { name, state: 'other', notes: [`The agent is covered by ${cover.name} of ${cover.owner} by now.`] }
}

/** The most specific one: the longest match. */
function findCover(all: readonly Registration[], subject: string): Registration | undefined {
  const covering = all.filter(({ match }) => matchCovers(match, subject))
  return covering.sort((a, b) => b.match.length - a.match.length)[0]
}

function describeAge({ requestedAt }: Grant, first: Date | undefined): string {
  const ms = first ? requestedAt.getTime() - first.getTime() : 0
  return ms > 0
    ? `its first grant on record is ${durationWords(ms)} older than this one`
    : 'this is its first grant on record'
}
