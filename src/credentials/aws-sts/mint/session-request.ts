import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'
import { MAX_SESSION_POLICY_CHARACTERS } from '../../../aws/session-policy.ts'
import type { LeaseEndForm } from '../../../aws/store-profile.ts'
import { StintError } from '../../../core/errors.ts'
import type { Secret } from '../../../core/secret.ts'
import { type LeaseSession, MAX_CHAINED_SESSION_SECONDS, MIN_SESSION_SECONDS } from './lease-session.ts'

/** How much longer than the lease a session lives, so that two clocks a little apart do not end it early. */
const MARGIN_SECONDS = 60
const MAX_TAGS = 50

const SESSION_NAME = /^[\w+=,.@-]{2,64}$/
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/
const POLICY_CHARACTERS = /^[\t\n\r\x20-\xFF]+$/
const TAG_CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u
const RESERVED_PREFIX = /^aws:/i

/**
 * The AssumeRole input of a lease, checked by the rules of STS before anything is sent.
 *
 * @throws {StintError} PROVIDER_REFUSED, or SESSION_POLICY_TOO_LARGE with `details.characters`; `details.field` names the
 *   parameter and `details.outcome` is 'not_minted'.
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_RequestParameters
 */
export function sessionRequest(
  session: LeaseSession,
  externalId: Secret | undefined,
  now: Date,
  leaseEnd: LeaseEndForm,
): AssumeRoleCommandInput {
  if (!SESSION_NAME.test(session.sessionName))
    throw bad('RoleSessionName', 'it needs 2 to 64 of A-Z a-z 0-9 _ + = , . @ -')
  if (!SESSION_NAME.test(session.sourceIdentity) || RESERVED_PREFIX.test(session.sourceIdentity))
    throw bad('SourceIdentity', 'it needs 2 to 64 of A-Z a-z 0-9 _ + = , . @ - and no aws: in front')
  const DurationSeconds = durationSeconds(session.notAfter, now)
  checkPolicy(session, leaseEnd)
  return {
    RoleArn: session.roleArn,
    RoleSessionName: session.sessionName,
    SourceIdentity: session.sourceIdentity,
    DurationSeconds,
    Policy: session.sessionPolicy,
    Tags: tags(session.tags),
    ...(externalId ? { ExternalId: externalId.reveal() } : {}),
  }
}

/**
 * Throws unless the text can be an sts:ExternalId: what a secret file holds by mistake is found at start, not at a mint.
 *
 * @throws {StintError} CONFIG_INVALID; the text itself is not in it.
 */
export function checkExternalId(roleArn: string, externalId: Secret): void {
  if (EXTERNAL_ID.test(externalId.reveal())) return
  throw new StintError('CONFIG_INVALID', {
    explanation:
      'An external id needs 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / - and nothing else, no line end either.',
    roleArn,
  })
}

function durationSeconds(notAfter: Date, now: Date): number {
  const leaseMs = notAfter.getTime() - now.getTime()
  if (!(leaseMs > 0)) throw bad('DurationSeconds', 'the lease is over already')
  const seconds = Math.ceil(leaseMs / 1_000)
  if (seconds > MAX_CHAINED_SESSION_SECONDS)
    throw bad('DurationSeconds', `a lease may last ${MAX_CHAINED_SESSION_SECONDS} s at most`)
  return Math.min(MAX_CHAINED_SESSION_SECONDS, Math.max(MIN_SESSION_SECONDS, seconds + MARGIN_SECONDS))
}

function checkPolicy({ sessionPolicy, notAfter }: LeaseSession, leaseEnd: LeaseEndForm): void {
  if (sessionPolicy.length > MAX_SESSION_POLICY_CHARACTERS)
    throw new StintError('SESSION_POLICY_TOO_LARGE', {
      explanation: `The session policy has ${sessionPolicy.length} characters; STS accepts at most ${MAX_SESSION_POLICY_CHARACTERS}.`,
      field: 'Policy',
      characters: sessionPolicy.length,
      limit: MAX_SESSION_POLICY_CHARACTERS,
      outcome: 'not_minted',
    })
  if (!POLICY_CHARACTERS.test(sessionPolicy)) throw bad('Policy', 'it needs characters up to U+00FF, and at least one')
  const statements = parseStatements(sessionPolicy)
  if (!statements.some((statement) => endsBy(statement, notAfter, leaseEnd)))
    throw bad('Policy', 'it needs a Deny of every action on every resource from notAfter on (aws:CurrentTime)')
  if (leaseEnd.never !== undefined && !statements.some((statement) => denies(statement, leaseEnd.never)))
    throw bad('Policy', `it needs a Deny of ${leaseEnd.never}, by which a session would outlive its lease`)
  if (leaseEnd.action !== '*' && !statements.every((statement) => isWithin(statement, leaseEnd)))
    throw bad('Policy', `it may allow ${leaseEnd.action} alone, since its Deny from notAfter on names no more`)
}

function parseStatements(sessionPolicy: string): readonly unknown[] {
  try {
    const { Statement: statements } = JSON.parse(sessionPolicy) as { Statement?: unknown }
    if (Array.isArray(statements)) return statements
  } catch {
    // Falls through to the same refusal as a policy without statements.
  }
  throw bad('Policy', 'it needs to be a JSON policy with a list of statements')
}

/** True for a Deny, and for an Allow of no more than the Deny at the lease's end covers. */
function isWithin(statement: unknown, { action: all }: LeaseEndForm): boolean {
  const { Effect, Action, NotAction } = Object(statement) as Record<string, unknown>
  if (Effect === 'Deny') return true
  const actions = [Action].flat()
  const prefix = all.slice(0, -1)
  return NotAction === undefined && actions.every((one) => typeof one === 'string' && one.startsWith(prefix))
}

/** True for a Deny of these actions, without a resource or a condition. */
function denies(statement: unknown, actions: string | undefined): boolean {
  const { Effect, Action, ...rest } = Object(statement) as Record<string, unknown>
  return Effect === 'Deny' && isOnly(Action, actions) && Object.keys(rest).length === 0
}

/** True for a Deny of all whose one condition is that aws:CurrentTime is past an instant no later than `notAfter`. */
function endsBy(statement: unknown, notAfter: Date, { action, resource }: LeaseEndForm): boolean {
  const { Effect, Action, Resource, Condition } = Object(statement) as Record<string, unknown>
  if (Effect !== 'Deny' || !isOnly(Action, action) || !isOnly(Resource, resource)) return false
  const operators = Object.entries(Object(Condition) as Record<string, unknown>)
  if (operators.length !== 1) return false
  const [operator, test] = operators[0] ?? []
  if (operator !== 'DateGreaterThan' && operator !== 'DateGreaterThanEquals') return false
  const keys = Object.entries(Object(test) as Record<string, unknown>)
  const [key, end] = keys[0] ?? []
  if (keys.length !== 1 || key?.toLowerCase() !== 'aws:currenttime' || typeof end !== 'string') return false
  return Date.parse(end) <= notAfter.getTime()
}

function isOnly(value: unknown, wanted: string | undefined): boolean {
  return value === wanted || (Array.isArray(value) && value.length === 1 && value[0] === wanted)
}

function tags(given: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  const entries = Object.entries(given)
  if (entries.length > MAX_TAGS) throw bad('Tags', `there may be ${MAX_TAGS} at most`)
  if (new Set(entries.map(([key]) => key.toLowerCase())).size !== entries.length)
    throw bad('Tags', 'two keys differ in case only')
  for (const [key, value] of entries) {
    if (key.length < 1 || key.length > 128 || !TAG_CHARACTERS.test(key) || RESERVED_PREFIX.test(key))
      throw bad('Tags', 'a key needs 1 to 128 letters, digits, blanks or _ . : / = + - @ and no aws: in front')
    if (value.length > 256 || !TAG_CHARACTERS.test(value))
      throw bad('Tags', 'a value needs at most 256 letters, digits, blanks or _ . : / = + - @')
  }
  return entries.map(([Key, Value]) => ({ Key, Value }))
}

function bad(field: string, rule: string): StintError {
  return new StintError('PROVIDER_REFUSED', {
    explanation: `STS does not accept this ${field}: ${rule}.`,
    field,
    outcome: 'not_minted',
  })
}
