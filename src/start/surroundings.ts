import type { AdminLimits } from '../admin/deps.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { StintError } from '../core/errors.ts'
import { PartHealth } from '../core/health/part-health.ts'
import { type Ids, randomIds } from '../core/ids.ts'
import type { Logger } from '../core/log.ts'
import { LiveConfig } from './reload/live-config.ts'
import type { RunningParts } from './running-parts.ts'

/** Inputs from the process that runs a broker. */
export interface BrokerDeps {
  readonly logger: Logger
  readonly version: string
  /** Default: the clock of this machine. */
  readonly clock?: Clock
  /** Where the configuration was loaded from; it is followed there. Absent: it stays as it is. */
  readonly configSource?: { readonly file: string; readonly env: NodeJS.ProcessEnv }
  /** For tests: bounds of the admin API other than the usual. */
  readonly adminLimits?: Partial<AdminLimits>
}

/** Dependencies of every part beside the parts before it. Time and randomness enter the broker here and nowhere else. */
export interface Surroundings extends BrokerDeps {
  /** The configuration of the start. */
  readonly config: Config
  /** For settings that a running broker follows: see FOLLOWED_SETTINGS. */
  readonly liveConfig: LiveConfig
  readonly clock: Clock
  readonly ids: Ids
  /** 0 to 1, for jitter. */
  readonly random: () => number
  /** The only way of a part onto the status. */
  readonly partHealth: PartHealth
  readonly running: Pick<RunningParts, 'notReady' | 'whenCompleted' | 'stopping'>
  /** The broker can no longer keep its promises and has to be started anew. */
  readonly fail: (error: StintError) => void
}

/** The surroundings of a broker in this process. */
export function createSurroundings(
  config: Config,
  deps: BrokerDeps & { readonly clock: Clock },
  { running, fail }: Pick<Surroundings, 'running' | 'fail'>,
): Surroundings {
  const { clock, logger } = deps
  const partHealth = new PartHealth({ logger, clock })
  const liveConfig = new LiveConfig(config)
  return { ...deps, config, liveConfig, clock, ids: randomIds, random: Math.random, partHealth, running, fail }
}
