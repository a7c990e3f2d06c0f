import type { Clock } from '../../core/clock.ts'
import type { Hold } from '../../ledger/holds/hold-records.ts'
import { notRegistered } from '../../ledger/rules/registration-rules.ts'
import type { Registration, RegistrationStanding } from '../../registry/registration.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Operator } from '../operators/operator.ts'
import { isInScope } from '../operators/operator-scope.ts'
import {
  type AgentHoldKind,
  type AgentHoldParts,
  holdAgents,
  holdsOver,
  releaseAgents,
  worstHold,
} from './agent-holds.ts'
import {
  type ChangeWords,
  changeAgents,
  type NewRegistration,
  registerAgents,
  removeAgents,
} from './registration-changes.ts'
import { type AgentReview, type ReviewParts, showReview, signReview } from './review-agents.ts'

/** A registration as operators see it. */
export interface ListedRegistration extends Registration {
  readonly source: 'file' | 'api'
  /** `set_aside`: the registry file or the settings decide otherwise. */
  readonly standing: RegistrationStanding | 'set_aside' | AgentHoldKind
  /** Why it is set aside. */
  readonly because?: string
}

/** The actions of operators on registrations. The edge has checked the role. */
export interface InventoryService {
  /** By the order of the file, then by name; whether agents are held is left out. */
  list(): readonly ListedRegistration[]
  /** As `list`, with those whose agents are suspended or offboarded. */
  show(operator: Operator): Promise<readonly ListedRegistration[]>
  register(operator: Operator, registration: NewRegistration, note: string): Promise<ListedRegistration>
  change(
    operator: Operator,
    name: string,
    fields: Partial<Omit<NewRegistration, 'name'>>,
    words: ChangeWords,
  ): Promise<ListedRegistration>
  /** @returns the registration as it was */
  remove(operator: Operator, name: string, words: ChangeWords): Promise<ListedRegistration>
  /** Suspends or offboards. @throws {StintError} REGISTRATION_NOT_FOUND */
  hold(operator: Operator, order: HoldOrder): Promise<ListedRegistration>
  /** Resumes or reinstates. @throws {StintError} REGISTRATION_NOT_FOUND, REGISTRATION_NOT_HELD, REGISTRATION_HELD */
  release(operator: Operator, order: HoldOrder): Promise<ListedRegistration>
  /** @throws {StintError} REGISTRATION_NOT_FOUND */
  review(operator: Operator, name: string): Promise<ListedReview>
  /** @throws {StintError} REGISTRATION_NOT_FOUND, REVIEW_NOT_ELIGIBLE, REVIEW_STALE, REGISTRATION_CHANGED */
  sign(
    operator: Operator,
    name: string,
    words: { readonly shown: string; readonly note: string },
  ): Promise<ListedRegistration>
}

/** A review, with the standing of the registration. */
export interface ListedReview extends AgentReview {
  readonly registration: ListedRegistration
}

/** The agents of one registration that are to be held, or not any more. */
export interface HoldOrder {
  readonly kind: AgentHoldKind
  readonly name: string
  readonly note: string
}

/** The actions of a person on registrations. */
export function createInventoryService(parts: ReviewParts & AgentHoldParts): InventoryService {
  const { registry, clock } = parts
  const view = (registration: Registration) => listed(registry.current(), registration, clock.now())
  // With the review that was signed for it.
  const viewNow = (registration: Registration) => view(registry.current().named(registration.name) ?? registration)
  return {
    // Until a file has loaded there is nothing to list, and the problem of the file is told beside it.
    list: () => (registry.status.value ? listRegistrations(registry.status.value, clock) : []),
    show: async (operator) => {
      if (!registry.status.value) return []
      const holds = await parts.ledger.holdsInForce()
      const seen = listRegistrations(registry.status.value, clock).filter((one) =>
        isInScope(operator, { team: one.team }),
      )
      return seen.map((one) => withHolds(one, holds))
    },
    hold: async (operator, order) => {
      requireInScope(registry.current(), operator, order.name)
      const { registration } = await holdAgents(parts, operator, order)
      return withHolds(view(registration), await parts.ledger.holdsInForce())
    },
    release: async (operator, order) => {
      requireInScope(registry.current(), operator, order.name)
      const { registration } = await releaseAgents(parts, operator, order)
      return withHolds(view(registration), await parts.ledger.holdsInForce())
    },
    review: async (operator, name) => {
      requireInScope(registry.current(), operator, name)
      const [review, holds] = await Promise.all([showReview(parts, operator, name), parts.ledger.holdsInForce()])
      return { ...review, registration: withHolds(view(review.registration), holds) }
    },
    sign: async (operator, name, words) => {
      requireInScope(registry.current(), operator, name)
      return viewNow(await signReview(parts, operator, name, words))
    },
    register: async (operator, registration, note) =>
      viewNow(await registerAgents(parts, operator, registration, note)),
    change: async (operator, name, fields, words) => viewNow(await changeAgents(parts, operator, name, fields, words)),
    remove: async (operator, name, words) => view(await removeAgents(parts, operator, name, words)),
  }
}

/** All registrations of a moment, also those that are set aside. */
function listRegistrations(registry: Registry, clock: Pick<Clock, 'now'>): readonly ListedRegistration[] {
  const now = clock.now()
  return [
    ...registry.registrations.map((registration) => listed(registry, registration, now)),
    ...registry.setAside.map((registration) => ({
      ...registration,
      source: 'api' as const,
      standing: 'set_aside' as const,
    })),
  ]
}

function listed(registry: Registry, registration: Registration, now: Date): ListedRegistration {
  return {
    ...registration,
    source: registration.source ?? 'file',
    standing: registry.standing(registration, now),
  }
}

function withHolds(listed: ListedRegistration, holds: readonly Hold[]): ListedRegistration {
  const held = listed.standing === 'set_aside' ? undefined : worstHold(holdsOver(holds, listed))
  return held ? { ...listed, standing: held } : listed
}

/** A registration out of scope is reported as not found. */
function requireInScope(registry: Registry, operator: Operator, name: string): void {
  const registration = registry.named(name)
  if (!registration || !isInScope(operator, { team: registration.team })) throw notRegistered(name)
}
