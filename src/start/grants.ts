import type { Config } from '../config/schema.ts'
import { type ClockGuard, createClockGuard } from '../core/clock-guard.ts'
import type { CredentialProvider } from '../credentials/provider.ts'
import { Admission, type AdmissionLimits, RecordLimits } from '../grants/agents/agent-limits.ts'
import type { TokenGuard } from '../grants/agents/token-guard.ts'
import type { Judge } from '../grants/judge.ts'
import type { LifeSettings } from '../grants/lifecycle.ts'
import type { DecideParts } from '../grants/operators/decide-approval.ts'
import type { People } from '../grants/operators/who-can-answer.ts'
import { RuleStanding } from '../grants/reevaluate/rule-standing.ts'
import {
  createGrantService,
  createOperatorService,
  createQuarantineService,
  type GrantParts,
  type GrantService,
  type OperatorService,
  type QuarantineService,
} from '../grants/services.ts'
import { WatchHub } from '../grants/watching/watch-hub.ts'
import { type BundleStore, requireBundle } from '../identity/bundle/bundle-store.ts'
import type { OidcVerifier } from '../identity/oidc/oidc-verifier.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { meterGrantService, meterOperatorService } from '../metrics/meter-services.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { reportSharedClock } from './ledger/shared-clock.ts'
import { definePart } from './part.ts'
import type { LiveConfig } from './reload/live-config.ts'
import type { Surroundings } from './surroundings.ts'

/** The life of grants: what agents and operators may do with them, and what the sweeper works with. */
export interface Grants {
  readonly service: GrantService
  readonly operatorService: OperatorService
  readonly quarantineService: QuarantineService
  readonly parts: GrantParts & DecideParts
}

interface Needs extends Surroundings {
  readonly metrics: Metrics | undefined
  readonly ledger: Ledger
  readonly provider: CredentialProvider
  readonly judge: Judge
  readonly operators: People
  readonly tokens: TokenGuard
  readonly bundles: BundleStore
  readonly issuers: OidcVerifier
}

/** SDKs are told that a lease ends this long before it does. */
const USABLE_MARGIN_MS = 30_000

/** The life of grants; it has no loop of its own, so that nothing has to be stopped. */
export const grants = definePart({
  name: 'grants',
  start(needs: Needs) {
    const parts = grantParts(needs)
    const { metrics } = needs
    const [service, operatorService] = [createGrantService(parts), createOperatorService(parts)]
    const value: Grants = {
      service: metrics ? meterGrantService(service, metrics) : service,
      quarantineService: createQuarantineService(parts),
      operatorService: metrics ? meterOperatorService(operatorService, metrics) : operatorService,
      parts,
    }
    return { value }
  },
})

function grantParts({
  config,
  liveConfig,
  ledger,
  provider,
  judge,
  operators,
  tokens,
  bundles,
  issuers,
  clock,
  ids,
  logger,
  partHealth,
}: Needs) {
  const hub = new WatchHub((grantId) => ledger.sharing?.tell(grantId))
  const settings = new LiveLifeSettings(liveConfig)
  const rates = { refusalsPerMinute: config.grants.refusalsPerMinutePerAgent }
  const parts: Grants['parts'] = {
    ledger,
    provider,
    judge,
    people: operators,
    admission: new Admission({ limits: admissionLimits(config), clock }),
    recordLimits: new RecordLimits({ rates, ledger, clock }),
    hub,
    clock,
    clockGuard: guardClock({ clock, provider, ledger, partHealth }),
    ids,
    settings,
    onMintFailed: (failure) => logger.warn(failure, 'a mint failed'),
    tokens,
    standing: new RuleStanding(),
    quotas: {
      openGrantsPerAgent: config.grants.openGrantsPerAgent,
      get budgets() {
        return liveConfig.current().budgets
      },
    },
    trust: { isTrusted: (trustDomain) => issuers.isTrusted(trustDomain) || isTrusted(bundles, trustDomain) },
  }
  return parts
}

/** The guard of the broker's clock. It compares the clock with the cloud's time of every answer, and with that of the ledger's database. */
function guardClock({
  clock,
  provider: { cloudClock },
  ledger,
  partHealth,
}: Pick<Needs, 'clock' | 'provider' | 'ledger' | 'partHealth'>): ClockGuard {
  const guard = createClockGuard({ clock, ...(cloudClock?.ask && { askReference: cloudClock.ask }) })
  cloudClock?.subscribe((cloudNow) => guard.heard(cloudNow))
  ledger.sharing?.listenToClock((reading) => {
    guard.heardShared(reading)
    reportSharedClock(reading, { clock, partHealth })
  })
  return guard
}

/** @throws {StintError} TRUST_DOMAIN_UNAVAILABLE */
function isTrusted({ snapshot }: BundleStore, trustDomain: string): boolean {
  const bundle = snapshot.isUnavailable(trustDomain) ? requireBundle(snapshot, trustDomain) : snapshot.get(trustDomain)
  return bundle !== undefined && (bundle.x509Authorities.length > 0 || bundle.jwtAuthorities.size > 0)
}

/** The settings of now, for parts that hold on to the object. */
class LiveLifeSettings implements LifeSettings {
  readonly usableMarginMs = USABLE_MARGIN_MS
  readonly #config: Pick<LiveConfig, 'current'>

  constructor(config: Pick<LiveConfig, 'current'>) {
    this.#config = config
  }

  get leaseMs(): number {
    return this.#now.leaseTime
  }

  get approvalMs(): number {
    return this.#now.approvalTime
  }

  get claimMs(): number {
    return this.#now.claimTime
  }

  get settleMs(): number {
    return this.#now.settleTime
  }

  get cutOnCompletion(): LifeSettings['cutOnCompletion'] {
    return this.#now.cutOnCompletion
  }

  get #now(): Config['grants'] {
    return this.#config.current().grants
  }
}

/** How often one agent may make a call that mints, for the grant service and for the agents' ports. */
export function admissionLimits({ grants: settings }: Config): AdmissionLimits {
  return {
    callsPerSecond: settings.callsPerSecondPerAgent,
    burst: settings.burstPerAgent,
    concurrent: settings.concurrentPerAgent,
  }
}
