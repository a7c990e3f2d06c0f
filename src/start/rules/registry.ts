import type { Config } from '../../config/schema.ts'
import { Reloading } from '../../core/files/reloading.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { RegistrationState, StoredRegistration } from '../../ledger/registrations/registration-ledger.ts'
import { combineRegistrations } from '../../registry/combine-registrations.ts'
import type { Registration } from '../../registry/registration.ts'
import type { Registry } from '../../registry/registry.ts'
import { followRegistry } from '../../registry/registry-file.ts'
import { definePart } from '../part.ts'
import { nothingLoaded } from '../readiness.ts'
import type { LiveConfig } from '../reload/live-config.ts'
import type { Surroundings } from '../surroundings.ts'

/** Other replicas learn of a change by the API within this time. */
const POLL_LEDGER_MS = 1_000

/** The registrations in force: those of the file, of the admin API, and the reviews that were signed. */
export interface FollowedRegistry {
  /** Read it once per operation. @throws {StintError} REGISTRY_INVALID while no file, LEDGER_UNAVAILABLE while no row ever loaded */
  current(): Registry
  readonly status: Reloading<Registry>['status']
  /** Takes in what this process has just changed in the ledger. */
  refresh(): Promise<void>
}

/** Follows the file of registrations, and those in the ledger. */
export const registry = definePart({
  name: 'registry',
  async start({ config, liveConfig, ledger, clock, partHealth }: Surroundings & { readonly ledger: Ledger }) {
    const file = followRegistry({
      file: config.registry.file,
      clock,
      onState: (problem) => partHealth.report('registry', problem),
    })
    const stored = new Reloading<RegistrationState>({
      clock,
      pollMs: POLL_LEDGER_MS,
      load: () => ledger.registrations(),
      fingerprint: () => ledger.registrationsMark(),
      missing: {
        code: 'LEDGER_UNAVAILABLE',
        explanation: 'The registrations of the admin API have not been read from the ledger yet.',
      },
      onState: (problem) => partHealth.report('registrations', problem),
    })
    await file.start()
    await stored.start()
    const combine = rememberCombined(liveConfig)
    const value: FollowedRegistry = {
      current: () => combine(file.current(), stored.current()),
      get status() {
        const { value: ofFile, ...status } = file.status
        const ofLedger = stored.status.value
        return ofFile && ofLedger ? { ...status, value: combine(ofFile, ofLedger) } : status
      },
      refresh: () => stored.check(),
    }
    return {
      value,
      stop: async () => {
        await file.stop()
        await stored.stop()
      },
      // A later version that cannot be used is a problem on the status; the last good one serves on.
      notReady: () => nothingLoaded(file) ?? nothingLoaded(stored),
    }
  },
})

/** Combines anew only when the file, the ledger or the configuration has changed. */
function rememberCombined(liveConfig: Pick<LiveConfig, 'current'>) {
  let made: { readonly from: readonly unknown[]; readonly registry: Registry } | undefined
  return (file: Registry, state: RegistrationState): Registry => {
    const config = liveConfig.current()
    const from = [file, state, config]
    if (made?.from.every((each, index) => each === from[index])) return made.registry
    const registry = combine(file, state, config)
    made = { from, registry }
    return registry
  }
}

function combine(file: Registry, { registrations, reviews }: RegistrationState, { registry, admin }: Config): Registry {
  const owners = new Set(admin.operators.map(({ name }) => name.toLowerCase()))
  return combineRegistrations({
    file,
    api: registrations.map(toApiRegistration),
    reviews,
    writableByApi: registry.writableByApi,
    ...(registry.ownersMustBeOperators && { owners }),
  })
}

function toApiRegistration({ name, fields, version }: StoredRegistration): Registration {
  return { name, ...fields, source: 'api', version }
}
