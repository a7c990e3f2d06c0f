import { setTimeout as pause } from 'node:timers/promises'
import { asStintError, StintError } from '../core/errors.ts'
import { openToOthers } from '../core/files/open-to-others.ts'
import { readSmallFile, UnusableFileError } from '../core/files/read-small-file.ts'
import type { PartHealth } from '../core/health/part-health.ts'
import { parseKillFile } from '../grants/kill/kill-file.ts'
import { createKillService, type KillService } from '../grants/kill/kill-service.ts'
import { type KillOrder, setKill } from '../grants/kill/set-kill.ts'
import type { Hold, HoldScope } from '../ledger/holds/hold-records.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Grants } from './grants.ts'
import { definePart } from './part.ts'
import type { LiveConfig } from './reload/live-config.ts'
import type { Surroundings } from './surroundings.ts'

/** The kill switch as people use it. */
export interface KillSwitch {
  readonly service: KillService
}

/** Whoever writes the break-glass file waits for it to bite. */
const LOOK_MS = 500
const FILE_COMPONENT = 'kill_file'
/** Shown while a kill is in force, so that nobody wonders why agents are refused. */
const KILL_COMPONENT = 'kill'
const MAX_NAMED = 5
const MAX_FILE_BYTES = 65_536

/** The kill switch, and the break-glass file for the day when the admin API is down. */
export const killSwitch = definePart({
  name: 'killSwitch',
  start(needs: Surroundings & { readonly grants: Grants; readonly metrics: Metrics | undefined }) {
    const { grants, liveConfig, logger, partHealth, metrics } = needs
    const { parts } = grants
    const file = new KillFileWatch({ parts, liveConfig, partHealth, onKilled: (facts) => logger.warn(facts, 'killed') })
    const service = createKillService({
      ...parts,
      mayLiftAlone: () => liveConfig.current().kill.liftAlone,
      isInFile: (scope) => file.names(scope),
      onLiftedAlone: (facts) => logger.warn(facts, 'one person has set this kill and lifted it'),
    })
    metrics?.onScrape(async ({ killsInForce }) => killsInForce.set((await killsOf(parts.ledger)).length))
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
    const kills = await killsOf(ledger)
    partHealth.report(KILL_COMPONENT, kills.length === 0 ? undefined : describeKills(kills))
  } catch (error) {
    // A kill that cannot be read stops everything, so it has to be seen.
    partHealth.report(KILL_COMPONENT, asStintError(error))
  }
}

async function killsOf(ledger: Pick<Ledger, 'holdsInForce'>): Promise<readonly Hold[]> {
  return (await ledger.holdsInForce()).filter(({ kind }) => kind === 'kill')
}

function describeKills(kills: readonly Hold[]): StintError {
  const named = kills
    .slice(0, MAX_NAMED)
    .map(({ id, scope, since }) => `${id} (${scope.kind} ${scope.value}, since ${since.toISOString()})`)
  const more = kills.length > MAX_NAMED ? `, and ${kills.length - MAX_NAMED} more` : ''
  const explanation = `In force: ${named.join(', ')}${more}. Nothing is given out there until a second person lifts it (stint kill lift).`
  return new StintError('KILLED', { explanation, kills: kills.length })
}

interface WatchParts {
  readonly parts: Grants['parts']
  readonly liveConfig: Pick<LiveConfig, 'current'>
  readonly partHealth: Pick<PartHealth, 'report'>
  readonly onKilled: (facts: object) => void
}

/**
 * The break-glass file: every scope that it names is killed, and stays so when its line goes. A line that cannot be used keeps no other
 * from counting.
 */
class KillFileWatch {
  readonly #deps: WatchParts
  /** What the lines of the file came to. */
  #named: readonly HoldScope[] = []

  constructor(deps: WatchParts) {
    this.#deps = deps
  }

  /** True for a scope that the file named when it was looked at last. */
  names({ kind, value }: HoldScope): boolean {
    return this.#named.some((scope) => scope.kind === kind && scope.value === value)
  }

  /** Looks at the file once; whatever is wrong is on the status, and nothing is thrown. */
  async look(): Promise<void> {
    const { liveConfig, partHealth } = this.#deps
    const { file } = liveConfig.current().kill
    try {
      const problems = file === undefined ? [] : await this.#apply(file)
      partHealth.report(FILE_COMPONENT, file === undefined ? undefined : toProblem(file, problems))
    } catch (error) {
      partHealth.report(FILE_COMPONENT, asStintError(error))
    }
  }

  async #apply(file: string): Promise<readonly string[]> {
    const text = await readIfThere(file)
    if (typeof text !== 'string') {
      this.#named = []
      return text
    }
    const { orders, problems } = parseKillFile(text)
    const held = orders.length === 0 ? [] : await killsOf(this.#deps.parts.ledger)
    const applied = []
    for (const order of orders) applied.push(await this.#kill(order, held, file))
    this.#named = applied.flatMap((scope) => (typeof scope === 'string' ? [] : [scope]))
    return [...problems, ...applied.filter((problem) => typeof problem === 'string')]
  }

  /** @returns the scope that is killed now, or what keeps it from being killed */
  async #kill(order: KillOrder, held: readonly Hold[], file: string): Promise<HoldScope | string> {
    const known = held.find(({ scope }) => scope.kind === order.scope && scope.value === order.value)
    if (known) return known.scope
    try {
      const { kill, isExisting } = await setKill(this.#deps.parts, 'file', order)
      if (!isExisting) this.#deps.onKilled({ hold: kill.id, scope: kill.scope, value: kill.value, file })
      return { kind: kill.scope, value: kill.value }
    } catch (error) {
      return `${order.scope} ${order.value ?? ''}: ${asStintError(error).message}`
    }
  }
}

/** The text of the file, or what keeps it from being used; no sentence if there is none, which is the usual thing. */
async function readIfThere(file: string): Promise<string | readonly string[]> {
  const open = openToOthers(file)
  if (open) return [`${open} Until then it is not read, since anybody could have written it.`]
  try {
    return (await readSmallFile(file, { maxBytes: MAX_FILE_BYTES })).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    const { cause } = error
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return []
    return [`The file ${error.message}.`]
  }
}

function toProblem(file: string, problems: readonly string[]): StintError | undefined {
  if (problems.length === 0) return undefined
  const explanation = `The break-glass file ${file} cannot be used as it is: ${problems.slice(0, MAX_NAMED).join(' ')}`
  return new StintError('CONFIG_INVALID', { explanation })
}
