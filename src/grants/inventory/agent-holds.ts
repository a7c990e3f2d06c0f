import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import type { Ids } from '../../core/ids.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import { auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { Hold, HoldScope } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { notRegistered } from '../../ledger/rules/registration-rules.ts'
import type { Registration } from '../../registry/registration.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Operator } from '../operators/operator.ts'

/** Dependencies of suspending and offboarding agents. */
export interface AgentHoldParts {
  readonly ledger: Pick<Ledger, 'putHold' | 'liftHold' | 'holdsInForce'>
  readonly clock: Pick<Clock, 'now'>
  readonly ids: Ids
  readonly registry: { current(): Registry }
}

/** The kinds of hold over the agents of a registration. */
export type AgentHoldKind = 'suspended' | 'offboarded'

/** The agents of a registration, and the hold over them. */
export interface HeldAgents {
  readonly registration: Registration
  readonly hold: Hold
}

/**
 * Suspends or offboards the agents of a registration: once this resolves they get nothing, on any replica. What an offboarded agent
 * holds is ended by `runOffboards`. Repeated, it is the same hold.
 *
 * @throws {StintError} REGISTRATION_NOT_FOUND
 */
export async function holdAgents(
  { ledger, clock, ids, registry }: AgentHoldParts,
  operator: Operator,
  { kind, name, note }: { readonly kind: AgentHoldKind; readonly name: string; readonly note: string },
): Promise<HeldAgents> {
  const registration = requireNamed(registry.current(), name)
  const [at, by] = [clock.now(), operatorActor(operator)]
  const scope = toScope(registration)
  const id = ids.next('hld', at)
  const hold = { id, kind, scope, since: at, by, why: note, ...(kind === 'offboarded' && { isRunning: true as const }) }
  const data = { registration: name, hold: id, agents: scope.value, note }
  failpoint('agents.before_hold')
  const placed = await ledger.putHold({
    hold,
    events: [
      kind === 'suspended'
        ? auditEvent('agent.suspended', { at, actor: by, data })
        : auditEvent('agent.offboarded', { at, actor: by, data }),
    ],
  })
  failpoint('agents.after_hold')
  return { registration, hold: placed.hold }
}

/**
 * Ends a suspension, or takes offboarded agents in again. What was ended stays ended.
 *
 * @throws {StintError} REGISTRATION_NOT_FOUND, REGISTRATION_NOT_HELD; REGISTRATION_HELD for an offboarded agent that is to be resumed
 */
export async function releaseAgents(
  { ledger, clock, registry }: AgentHoldParts,
  operator: Operator,
  { kind, name, note }: { readonly kind: AgentHoldKind; readonly name: string; readonly note: string },
): Promise<HeldAgents> {
  const registration = requireNamed(registry.current(), name)
  const holds = holdsOver(await ledger.holdsInForce(), registration)
  const wanted = holds.filter((hold) => hold.kind === kind)
  if (kind === 'suspended' && wanted.length === 0 && holds.length > 0) throw heldError(registration, 'offboarded')
  const [at, by] = [clock.now(), operatorActor(operator)]
  let released: Hold | undefined
  for (const { id, scope } of wanted) {
    const data = { registration: name, hold: id, agents: scope.value, note }
    released = await ledger.liftHold({
      id,
      lift: { at, by, note },
      events: [
        kind === 'suspended'
          ? auditEvent('agent.resumed', { at, actor: by, data })
          : auditEvent('agent.reinstated', { at, actor: by, data }),
      ],
    })
  }
  if (!released) {
    const explanation = `The agents of ${name} are not ${kind}.`
    throw new StintError('REGISTRATION_NOT_HELD', { explanation, registration: name })
  }
  return { registration, hold: released }
}

/** The holds over the agents of a registration that `holdAgents` has put there. */
export function holdsOver(holds: readonly Hold[], registration: Pick<Registration, 'name' | 'match'>): Hold[] {
  const { value } = toScope(registration)
  return holds.filter(({ kind, scope }) => kind !== 'kill' && scope.kind === 'agent' && scope.value === value)
}

/** The worse of the holds over a registration; undefined if there is none. */
export function worstHold(holds: readonly Hold[]): AgentHoldKind | undefined {
  if (holds.some(({ kind }) => kind === 'offboarded')) return 'offboarded'
  return holds.some(({ kind }) => kind === 'suspended') ? 'suspended' : undefined
}

/** For a change after which a wider registration, or another name, might cover agents that are held. */
export function heldError({ name }: Pick<Registration, 'name'>, kind: AgentHoldKind): StintError {
  const command = kind === 'suspended' ? 'resume' : 'reinstate'
  const explanation = `The agents of ${name} are ${kind}; stint agents ${command} ${name} ends that first.`
  return new StintError('REGISTRATION_HELD', { explanation, registration: name })
}

/**
 * One agent is held whatever its registration is called; the agents of a prefix by its name, since others within the prefix
 * may have registrations of their own.
 */
function toScope({ name, match }: Pick<Registration, 'name' | 'match'>): HoldScope {
  const isPrefix = match.endsWith('/*') || match.endsWith(';*')
  return { kind: 'agent', value: isPrefix ? name : match }
}

function requireNamed(registry: Registry, name: string): Registration {
  const registration = registry.named(name)
  if (!registration) throw notRegistered(name)
  return registration
}
