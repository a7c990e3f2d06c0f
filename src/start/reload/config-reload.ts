import { loadConfig } from '../../config/load.ts'
import { configDigest, listChanges } from '../../config/reload/config-changes.ts'
import { mergeFollowed } from '../../config/reload/setting-effects.ts'
import { type Config, findConflicts } from '../../config/schema.ts'
import { StintError } from '../../core/errors.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import { Reloading } from '../../core/files/reloading.ts'
import type { PartFinding } from '../../core/health/part-health.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { definePart, type Started } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

interface Needs extends Surroundings {
  readonly ledger: Pick<Ledger, 'appendEvents'>
}

/** Follows the configuration file. */
export interface ConfigReload {
  /** Looks at the file now, and has put its settings into force when it resolves. What is wrong is on the status; never throws. */
  check(): Promise<void>
}

const COMPONENT = 'config'
/** Names in one event or sentence. */
const MAX_NAMED = 50

/**
 * Takes a changed configuration file as a whole: loaded and checked whole, put on record, and then put into force in every part at
 * once. A file that cannot be used changes nothing and is a problem on the status until it can; settings that only a restart takes
 * are named there. Its value is undefined where the broker was not started from a file.
 */
export const configReload = definePart({
  name: 'configReload',
  async start(needs: Needs): Promise<Started<ConfigReload | undefined>> {
    const { configSource, config, clock, partHealth } = needs
    if (!configSource) return { value: undefined }
    const { file } = configSource
    const take = createTaker(needs)
    const reloading = new Reloading<Config>({
      load: async () => loadConfig(configSource),
      fingerprint: async () => (await readSmallFile(file)).hash,
      clock,
      pollMs: config.identity.reloadEvery,
      onLoaded: take,
      onState: (problem) => partHealth.report(COMPONENT, problem),
    })
    await reloading.start()
    return { value: reloading, stop: () => reloading.stop() }
  },
})

/** Makes a function that puts a configuration into force, and remembers which one it was. */
function createTaker(needs: Needs): (next: Config) => Promise<void> {
  const { config, liveConfig, ledger, clock, logger, partHealth, fail } = needs
  let digest = configDigest(config)
  return async (next) => {
    const nextDigest = configDigest(next)
    if (nextDigest === digest) return
    const running = liveConfig.current()
    const merged = mergeFollowed(running, next)
    const waiting = listChanges(merged, next)
    requireFit(merged, waiting)
    const apply = await liveConfig.prepare(merged)
    const change = { digest: nextDigest, before: digest, ...named('changed', listChanges(running, merged)) }
    const data = { ...change, ...named('waiting', waiting) }
    await ledger.appendEvents([auditEvent('configuration.reloaded', { at: clock.now(), actor: 'stint', data })])
    try {
      apply()
    } catch (error) {
      const explanation = 'A part could not take the changed settings, so that some are in force and some are not.'
      fail(new StintError('INTERNAL', { explanation }, error))
      throw error
    }
    digest = nextDigest
    logger.info(data, 'the configuration was reloaded')
    partHealth.found(COMPONENT, findWaiting(waiting))
  }
}

/** @throws {StintError} CONFIG_INVALID when the new settings do not go together with those that wait for a restart. */
function requireFit(merged: Config, waiting: readonly string[]): void {
  const conflicts = findConflicts(merged)
  if (conflicts.length === 0) return
  const problems = conflicts.map(({ path, message }) => `${path} ${message}`).join('\n')
  const explanation = `The changed settings work only together with settings that take effect at a restart (${list(waiting)}). Restart the broker, or undo these. Until then nothing of the changed file is in force.\n${problems}`
  throw new StintError('CONFIG_INVALID', { explanation })
}

function findWaiting(waiting: readonly string[]): PartFinding[] {
  if (waiting.length === 0) return []
  const explanation = `These settings were changed and wait for a restart; the broker works by their old values: ${list(waiting)}.`
  return [{ finding: 'waits-for-restart', code: 'CONFIG_WAITS', explanation }]
}

function named<Key extends 'changed' | 'waiting'>(key: Key, paths: readonly string[]) {
  const leftOut = paths.length - MAX_NAMED
  return {
    [key]: paths.slice(0, MAX_NAMED),
    ...(leftOut > 0 && { [`${key}LeftOut`]: leftOut }),
  } as { readonly [K in Key]: string[] } & { readonly [K in `${Key}LeftOut`]?: number }
}

function list(paths: readonly string[]): string {
  const more = paths.length - MAX_NAMED
  return [...paths.slice(0, MAX_NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
