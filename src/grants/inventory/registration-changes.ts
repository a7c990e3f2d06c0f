import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { auditEvent, operatorActor } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type {
  RegistrationFields,
  RegistrationReads,
  RegistrationWrites,
  StoredRegistration,
} from '../../ledger/registrations/registration-ledger.ts'
import { notRegistered } from '../../ledger/rules/registration-rules.ts'
import { explainSetAside } from '../../registry/combine-registrations.ts'
import type { Registration } from '../../registry/registration.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Operator } from '../operators/operator.ts'
import { heldError, holdsOver, worstHold } from './agent-holds.ts'

/** Most registrations of the API, as many as a file may have. */
const MAX_REGISTRATIONS = 10_000

/** Settings of the inventory, as they are now. */
export interface InventorySettings {
  /** See `registry.writableByApi`. */
  readonly writableByApi: readonly string[]
  /** A signed review holds for this long. */
  readonly reviewPeriodMs: number
}

/** Dependencies of changing registrations. */
export interface RegistrationParts {
  readonly ledger: RegistrationWrites & Pick<RegistrationReads, 'registrations'> & Pick<Ledger, 'holdsInForce'>
  readonly clock: Pick<Clock, 'now'>
  /** `refresh` takes in what this process has just changed. */
  readonly registry: {
    current(): Registry
    refresh(): Promise<void>
    readonly status: { readonly value?: Registry }
  }
  readonly inventorySettings: () => InventorySettings
}

/** A new registration, in an operator's words. */
export interface NewRegistration extends Omit<RegistrationFields, 'reviewAt'> {
  readonly name: string
  /** Default: one review period from now. */
  readonly reviewAt?: Date
}

/** The operator's reason, and the version of the registration that the operator has seen. */
export interface ChangeWords {
  readonly version: number
  readonly note: string
}

/**
 * Registers agents.
 *
 * @throws {StintError} REGISTRATION_IN_FILE, REGISTRATION_EXISTS, QUOTA_EXCEEDED
 */
export async function registerAgents(
  parts: RegistrationParts,
  operator: Operator,
  { name, ...given }: NewRegistration,
  note: string,
): Promise<Registration> {
  const at = parts.clock.now()
  checkMayWrite(parts, { name, match: given.match })
  const reviewAt = given.reviewAt ?? new Date(at.getTime() + parts.inventorySettings().reviewPeriodMs)
  const to: RegistrationFields = { ...given, reviewAt }
  const actor = operatorActor(operator)
  const changed = await parts.ledger.changeRegistration({
    ...{ name, to, at, expectedVersion: 0, maxRegistrations: MAX_REGISTRATIONS, by: actor },
    events: [auditEvent('agent.registered', { at, actor, data: { registration: name, ...toEventFields(to), note } })],
  })
  await parts.registry.refresh()
  return toRegistration(changed)
}

/**
 * Changes some fields of a registration of the API.
 *
 * @throws {StintError} REGISTRATION_NOT_FOUND, REGISTRATION_CHANGED, REGISTRATION_IN_FILE, REGISTRATION_EXISTS, REGISTRATION_HELD
 */
export async function changeAgents(
  parts: RegistrationParts,
  operator: Operator,
  name: string,
  fields: Partial<RegistrationFields>,
  { version, note }: ChangeWords,
): Promise<Registration> {
  const at = parts.clock.now()
  const actor = operatorActor(operator)
  const before = await requireStored(parts, name)
  const to = { ...before.fields, ...fields }
  checkMayWrite(parts, { name, match: to.match })
  if (to.match !== before.fields.match) await requireNotHeld(parts, { name, match: before.fields.match })
  const changed = FIELDS.filter((field) => !isDeepStrictEqual(to[field], before.fields[field]))
  const stored = await parts.ledger.changeRegistration({
    ...{ name, to, at, expectedVersion: version, maxRegistrations: MAX_REGISTRATIONS, by: actor },
    events: [
      auditEvent('agent.changed', {
        ...{ at, actor },
        data: { registration: name, version: version + 1, ...toEventFields(to), changed, note },
      }),
    ],
  })
  await parts.registry.refresh()
  return toRegistration(stored)
}

/**
 * Removes a registration of the API, also one that the file or the settings have set aside.
 *
 * @throws {StintError} REGISTRATION_NOT_FOUND, REGISTRATION_CHANGED, REGISTRATION_IN_FILE, REGISTRATION_HELD
 */
export async function removeAgents(
  parts: RegistrationParts,
  operator: Operator,
  name: string,
  { version, note }: ChangeWords,
): Promise<Registration> {
  const at = parts.clock.now()
  const actor = operatorActor(operator)
  const { fields } = await requireStored(parts, name)
  await requireNotHeld(parts, { name, match: fields.match })
  const data = { registration: name, version: version + 1, match: fields.match, note }
  const removed = await parts.ledger.changeRegistration({
    ...{ name, at, expectedVersion: version, maxRegistrations: MAX_REGISTRATIONS, by: actor },
    events: [auditEvent('agent.removed', { at, actor, data })],
  })
  await parts.registry.refresh()
  return toRegistration(removed)
}

const FIELDS = ['contact', 'expiresAt', 'match', 'owner', 'purpose', 'reviewAt', 'team'] as const

/** Without its registration, agents that are held might be covered by a wider one, which is not. */
async function requireNotHeld(
  { ledger }: RegistrationParts,
  registration: Pick<Registration, 'name' | 'match'>,
): Promise<void> {
  const kind = worstHold(holdsOver(await ledger.holdsInForce(), registration))
  if (kind) throw heldError(registration, kind)
}

/** From the ledger, since another replica may have changed it within the last second. */
async function requireStored({ ledger, registry }: RegistrationParts, name: string): Promise<StoredRegistration> {
  const { registrations } = await ledger.registrations()
  const stored = registrations.find((registration) => registration.name === name)
  if (stored) return stored
  const inFile = registry.current().named(name)
  if (!inFile || inFile.source === 'api') throw notRegistered(name)
  const explanation = `The registration ${name} is in the registry file; change it there.`
  throw new StintError('REGISTRATION_IN_FILE', { explanation, registration: name })
}

function checkMayWrite(
  { registry, inventorySettings }: RegistrationParts,
  wanted: Pick<Registration, 'name' | 'match'>,
): void {
  const ofFile = registry.current().registrations.filter(({ source }) => source !== 'api')
  const because = explainSetAside(wanted, {
    byName: new Map(ofFile.map((registration) => [registration.name, registration])),
    byMatch: new Map(ofFile.map((registration) => [registration.match, registration])),
    writableByApi: inventorySettings().writableByApi,
  })
  if (because === undefined) return
  const explanation = `This registration would not be in force: ${because}.`
  throw new StintError('REGISTRATION_IN_FILE', { explanation, registration: wanted.name })
}

function toRegistration({ name, fields, version }: StoredRegistration): Registration {
  return { name, ...fields, source: 'api', version }
}

function toEventFields({ expiresAt, reviewAt, ...words }: RegistrationFields) {
  return {
    ...words,
    expiresAt: expiresAt.toISOString(),
    ...(reviewAt && { reviewAt: reviewAt.toISOString() }),
  }
}
