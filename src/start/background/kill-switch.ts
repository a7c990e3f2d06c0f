import { setTimeout as pause } from 'node:timers/promises'
import { asStintError, StintError } from '../../core/errors.ts'
import type { PartHealth } from '../../core/health/part-health.ts'
import { createKillService, type KillService } from '../../grants/kill/kill-service.ts'
import type { Hold } from '../../ledger/holds/hold-records.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import type { Grants } from '../grants.ts'
import { definePart } from '../part.ts'
import type { FollowedRegistry } from '../rules/registry.ts'
import type { Surroundings } from '../surroundings.ts'
import { KillFileWatch } from './kill-file-watch.ts'

/** The kill switch as people use it. */
export interface KillSwitch {
  readonly service: KillService
}

/** A person who writes the break-glass file waits for it to take effect. */
const LOOK_MS = 500
const FILE_COMPONENT = 'kill_file'
/** Shown while a kill is in force, so that nobody wonders why agents are refused. */
const KILL_COMPONENT = 'kill'
const MAX_NAMED = 5

/** The kill switch, and the break-glass file for the day when the admin API is down. */
export const killSwitch = definePart({
  name: 'killSwitch',
  start(
    needs: Surroundings & {
      readonly grants: Grants
      readonly registry: FollowedRegistry
      readonly metrics: Metrics | undefined
    },
  ) {
    const { grants, registry, liveConfig, logger, partHealth, metrics } = needs
    const { parts } = grants
    const file = new KillFileWatch({
      ...parts,
      file: () => liveConfig.current().kill.file,
      onState: (problem) => partHealth.report(FILE_COMPONENT, problem),
      onKilled: (facts) => logger.warn(facts, 'killed by the break-glass file'),
    })
    const service = createKillService({
      ...parts,
      registrations: () => registry.status.value?.registrations,
      mayLiftAlone: () => liveConfig.current().kill.liftAlone,
      isInFile: (scope) => file.names(scope),
      onLiftedAlone: (facts) => logger.warn(facts, 'one person has set this kill and lifted it'),
    })
    metrics?.onScrape(async ({ killsInForce }) => killsInForce.set((await loadKills(parts.ledger)).length))
    const stop = new AbortController()
    const looking = look(file, { ledger: parts.ledger, partHealth }, stop.signal)
    const value: KillSwitch = { service }
    return {
      value,
      stop: async () => {
        stop.abort()
        await looking
      },
    }
  },
})

async function look(
  file: KillFileWatch,
  parts: { readonly ledger: Ledger; readonly partHealth: PartHealth },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await file.look()
    await showKills(parts)
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined)
  }
}

async function showKills({ ledger, partHealth }: { readonly ledger: Ledger; readonly partHealth: PartHealth }) {
  try {
    const kills = await loadKills(ledger)
    partHealth.report(KILL_COMPONENT, kills.length === 0 ? undefined : describeKills(kills))
  } catch (error) {
    // A kill that cannot be read stops everything, so the status shows it.
    partHealth.report(KILL_COMPONENT, asStintError(error))
  }
}

async function loadKills(ledger: Pick<Ledger, 'holdsInForce'>): Promise<readonly Hold[]> {
  return (await ledger.holdsInForce()).filter(({ kind }) => kind === 'kill')
}

function describeKills(kills: readonly Hold[]): StintError {
  const named = kills
    .slice(0, MAX_NAMED)
    .map(({ id, scope, since }) => `${id} (${scope.kind} ${scope.value}, since ${since.toISOString()})`)
  const more = kills.length > MAX_NAMED ? `, and ${kills.length - MAX_NAMED} more` : ''
  const explanation = `${named.join(', ')}${more}. Nothing is given out there until a second person lifts it (stint kill lift).`
  return new StintError('KILLED', { explanation, kills: kills.length })
}
