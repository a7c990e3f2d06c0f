import { type ErrorCode, StintError } from '../../core/errors.ts'
import type { Plan } from '../../plan/plan.ts'
import { matchCovers } from '../../registry/agent-match.ts'
import type { Registration } from '../../registry/registration.ts'
import type { NewHold } from '../holds/hold-ledger.ts'
import type { Hold, HoldActor, HoldKind, HoldScope, Registered } from '../holds/hold-records.ts'
import type { WriteInput } from '../ledger.ts'
import type { Grant } from '../records.ts'
import { conflict } from './rule-errors.ts'

/** The facts about a grant, or a request for one, that decide whether a hold covers it. */
export interface HoldTarget
  extends Pick<Grant, 'subject' | 'registration' | 'owner' | 'team' | 'trustDomain' | 'authMethod' | 'roleArn'> {
  /** Missing while there is no grant yet. */
  readonly id?: string
  /** Labels that the plan touches; missing: unknown, so it may touch any. */
  readonly touches?: readonly string[] | undefined
  /** How its agent is registered by now, which may be another owner or team; missing: as when it asked. */
  readonly registered?: Registered | undefined
}

/** True if a grant is in a scope. The broker's own sessions, which may do nothing, are in none. */
export function covers({ kind, value }: HoldScope, target: HoldTarget): boolean {
  if (target.authMethod === 'broker') return false
  switch (kind) {
    case 'everything':
      return true
    case 'grant':
      return target.id === value
    case 'agent':
      return matchCovers(value, target.subject) || target.registration === value
    case 'owner':
      return target.owner === value
    case 'team':
      return target.team === value
    case 'trust_domain':
      return target.trustDomain === value
    case 'issuer':
      return target.trustDomain === `oidc:${value}`
    case 'role':
      return target.roleArn === value
    case 'account':
      return roleAccountId(target.roleArn) === value
    case 'label':
      return target.touches?.includes(value) ?? true
  }
}

/** The labels that a plan touches. */
export function touchedLabels({ blastRadius }: Pick<Plan, 'blastRadius'>): string[] {
  return Object.keys(blastRadius.byLabel)
}

/** The facts of a registration that holds go by. */
export function toRegistered({ name: registration, owner, team }: Registration): Registered {
  return { registration, owner, team }
}

/** The account id in the ARN of a role. */
export function roleAccountId(roleArn: string): string | undefined {
  return roleArn.split(':')[4]
}

/** The hold that stops a grant; of several, the oldest. */
export function findHold(holds: readonly Hold[], target: HoldTarget): Hold | undefined {
  const now = { ...target, ...target.registered }
  return holds.find(({ scope, lifted }) => !lifted && (covers(scope, target) || covers(scope, now)))
}

/** @throws {StintError} KILLED, AGENT_SUSPENDED, AGENT_OFFBOARDED */
export function requireNotHeld(holds: readonly Hold[], target: HoldTarget): void {
  const hold = findHold(holds, target)
  if (hold) throw heldError(hold)
}

const HELD: { readonly [Kind in HoldKind]: { readonly code: ErrorCode; readonly what: string } } = {
  kill: { code: 'KILLED', what: 'An operator has killed a scope that covers this' },
  suspended: { code: 'AGENT_SUSPENDED', what: 'An operator has suspended this agent' },
  offboarded: { code: 'AGENT_OFFBOARDED', what: 'An operator has offboarded this agent' },
}

/** The error for whoever wants something in the scope of a hold. Why it was set is told only if the operator said so. */
export function heldError({ id, kind, since, why, isPublic }: Hold): StintError {
  const { code, what } = HELD[kind]
  const at = since.toISOString()
  const reason = isPublic ? ` Why: ${why}` : ''
  const explanation = `${what} (${id}, since ${at}). Nothing is given out until it is lifted; asking again does not help.${reason}`
  return new StintError(code, { explanation, hold: id, since: at })
}

/** The hold that is in force after a wish for one; the very same record if there was one of this kind and scope already. */
export function placedHold(inForce: readonly Hold[], hold: NewHold): Hold {
  const same = inForce.find(
    ({ kind, scope }) => kind === hold.kind && scope.kind === hold.scope.kind && scope.value === hold.scope.value,
  )
  return same ?? { ...hold, version: 1 }
}

/**
 * A hold after it was lifted. Whoever set it may not lift it, so that nobody undoes a kill alone.
 *
 * @throws {StintError} HOLD_NOT_FOUND, HOLD_LIFTED, HOLD_OF_SAME_PERSON
 */
export function liftedHold(hold: Hold | undefined, { id, lift }: Pick<WriteInput<'liftHold'>, 'id' | 'lift'>): Hold {
  if (!hold) throw holdNotFound(id)
  if (hold.lifted) {
    const { by, at } = hold.lifted
    throw new StintError('HOLD_LIFTED', { explanation: `${by} lifted it at ${at.toISOString()}.`, hold: id })
  }
  if (needsSecondPerson(hold, lift.by) && !lift.alone) {
    const explanation = `${lift.by} set this ${hold.kind}, so somebody else with the role operator has to lift it.`
    throw new StintError('HOLD_OF_SAME_PERSON', { explanation, hold: id })
  }
  return { ...hold, lifted: lift, version: hold.version + 1 }
}

/** True if this operator may not lift a hold, since the same one has set it. */
export function needsSecondPerson({ kind, by }: Pick<Hold, 'kind' | 'by'>, operator: HoldActor): boolean {
  return kind === 'kill' && by === operator
}

/** The error for an id that no hold has. */
export function holdNotFound(id: string): StintError {
  return new StintError('HOLD_NOT_FOUND', { explanation: 'No hold has this id; see stint kill list.', hold: id })
}

/** Time for which a replica claims the work of a hold: one that dies is found out by then, and another one goes on. */
export const HOLD_CLAIM_MS = 20_000
/** A claim that ends later than this was made by a clock that is ahead. */
const FARTHEST_CLAIM_MS = 60_000

/**
 * True while another replica works for a hold. A claim by a clock that is ahead counts as over, since its replica may have died, and
 * what is to be ended must not wait for that clock; two replicas that work at once only repeat each other.
 */
export function isHoldTaken(
  { claimedBy, claimedUntil }: Pick<Hold, 'claimedBy' | 'claimedUntil'>,
  { owner, now }: { readonly owner: string; readonly now: Date },
): boolean {
  if (claimedBy === undefined || claimedBy === owner || claimedUntil === undefined) return false
  const leftMs = claimedUntil.getTime() - now.getTime()
  return leftMs > 0 && leftMs <= FARTHEST_CLAIM_MS
}

/** A hold after a note on its work. @throws {StintError} LEDGER_CONFLICT when it has changed since the caller looked */
export function notedHold(
  hold: Hold | undefined,
  { id, expectedVersion, claim, isRunning, progress }: WriteInput<'noteHold'>,
): Hold {
  if (hold?.version !== expectedVersion) {
    const explanation = 'Somebody else has changed the hold: read it again and repeat the decision.'
    throw conflict(explanation, { hold: id, version: expectedVersion })
  }
  const { claimedBy: _, claimedUntil: __, isRunning: ___, ...kept } = hold
  return {
    ...kept,
    ...(isRunning && { isRunning: true }),
    ...(claim && { claimedBy: claim.by, claimedUntil: claim.until }),
    ...(progress !== undefined && { progress }),
    version: hold.version + 1,
  }
}
