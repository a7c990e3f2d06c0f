import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import type { StintError } from '../core/errors.ts'
import { inventory } from './background/inventory.ts'
import { killSwitch } from './background/kill-switch.ts'
import { notices } from './background/notices.ts'
import { reevaluation } from './background/reevaluation.ts'
import { sweeper } from './background/sweeper.ts'
import { credentialCheck } from './credential-check.ts'
import { fileModes } from './file-modes.ts'
import { grants } from './grants.ts'
import { bundles } from './identity/bundles.ts'
import { federation } from './identity/federation.ts'
import { issuers } from './identity/issuers.ts'
import { ownIdentity } from './identity/own-identity.ts'
import { workloadApi } from './identity/workload-api.ts'
import { changeFeed } from './ledger/change-feed.ts'
import { ledger } from './ledger/ledger.ts'
import { ledgerWatch } from './ledger/ledger-watch.ts'
import { metrics } from './metrics.ts'
import { PartList } from './part-list.ts'
import { admin } from './ports/admin.ts'
import { agentPorts } from './ports/agent-ports.ts'
import { bundleEndpoint } from './ports/bundle-endpoint.ts'
import { connectionLimits } from './ports/connection-limits.ts'
import { health } from './ports/health.ts'
import { metricsEndpoint } from './ports/metrics-endpoint.ts'
import { readinessWatch } from './ports/readiness-watch.ts'
import { type Addresses, serving } from './ports/serving.ts'
import { provider } from './provider.ts'
import { refusals } from './refusals.ts'
import { configReload } from './reload/config-reload.ts'
import { judge } from './rules/judge.ts'
import { operators } from './rules/operators.ts'
import { planner } from './rules/planner.ts'
import { policies } from './rules/policies.ts'
import { registry } from './rules/registry.ts'
import { resourceInventory } from './rules/resource-inventory.ts'
import { rolePolicies } from './rules/role-policies/role-policies.ts'
import { roleReader } from './rules/role-policies/role-reader.ts'
import { ruleCheck } from './rules/rule-check.ts'
import { RunningParts } from './running-parts.ts'
import { type BrokerDeps, createSurroundings, type Surroundings } from './surroundings.ts'
import { tokens } from './tokens.ts'

/** A running broker. */
export interface Broker {
  readonly addresses: Addresses
  /** Settles, with the reason, when the broker can no longer keep its promises and has to be started anew. */
  readonly failed: Promise<StintError>
  /** Looks at the configuration file now; resolves when what is new in it is in force, or on the status as a problem. */
  reload(): Promise<void>
  /** Not ready, no new calls, work in hand finished, nothing left running. */
  stop(): Promise<void>
}

/** The parts of the broker in the order in which they start; they stop in the reverse one. */
const PARTS = PartList.empty<Surroundings>()
  .add(fileModes)
  .add(metrics)
  .add(ledger)
  .add(ledgerWatch)
  .add(connectionLimits)
  .add(refusals)
  .add(bundles)
  .add(workloadApi)
  .add(federation)
  .add(ownIdentity)
  .add(bundleEndpoint)
  .add(issuers)
  .add(registry)
  .add(policies)
  .add(rolePolicies)
  .add(resourceInventory)
  .add(planner)
  .add(judge)
  .add(operators)
  .add(ruleCheck)
  .add(provider)
  .add(roleReader)
  .add(credentialCheck)
  .add(tokens)
  .add(grants)
  .add(changeFeed)
  .add(sweeper)
  .add(inventory)
  .add(reevaluation)
  .add(notices)
  .add(killSwitch)
  .add(health)
  .add(metricsEndpoint)
  .add(admin)
  .add(agentPorts)
  .add(configReload)
  .add(readinessWatch)
  .add(serving)

/**
 * Starts every part in the order in which they need each other; what a crash left behind is settled before the first call is
 * served. If a part cannot start, those before it are stopped again.
 *
 * @throws {StintError} CONFIG_INVALID, BUNDLE_INVALID, LEDGER_*: what keeps it from starting
 */
export async function startBroker(config: Config, deps: BrokerDeps): Promise<Broker> {
  const { clock = systemClock, logger } = deps
  const failure = Promise.withResolvers<StintError>()
  const running = new RunningParts({ clock, logger })
  const surroundings = createSurroundings(config, { ...deps, clock }, { running, fail: failure.resolve })
  const { serving: addresses, configReload: following } = await PARTS.start(surroundings, running)
  const stop = async () => {
    logger.info('stopping')
    await running.stop()
    logger.info('stopped')
  }
  const reload = async () => following?.check()
  return { addresses, failed: failure.promise, reload, stop }
}
