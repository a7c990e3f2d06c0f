import { encodeTime } from 'ulid'
import { createClockGuard } from '../../src/core/clock-guard.ts'
import { StintError } from '../../src/core/errors.ts'
import type { Ids } from '../../src/core/ids.ts'
import { Admission, RecordLimits } from '../../src/grants/agents/agent-limits.ts'
import { TokenGuard } from '../../src/grants/agents/token-guard.ts'
import { createJudge } from '../../src/grants/judge.ts'
import type { DecideParts } from '../../src/grants/operators/decide-approval.ts'
import { RuleStanding } from '../../src/grants/reevaluate/rule-standing.ts'
import {
  createGrantService,
  createOperatorService,
  type GrantParts,
  type GrantService,
  type OperatorService,
} from '../../src/grants/services.ts'
import { Sweeper } from '../../src/grants/sweeper.ts'
import { WatchHub } from '../../src/grants/watching/watch-hub.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import type { Decision } from '../../src/policy/decision.ts'
import { DECISIONS } from '../support/grant-harness.ts'
import type { Cloud } from './cloud.ts'
import type { Faults } from './faults.ts'
import type { History } from './history.ts'
import { type Machine, type Process, ProcessClock } from './process.ts'
import { simulatedProvider } from './provider.ts'
import type { Chance, Scheduler } from './scheduler.ts'
import { type Disk, reachLedger } from './store.ts'

/** The operators' files, which outlive a process. */
export interface OperatorFiles {
  /** Agents that policy forbids everything. */
  readonly forbidden: Set<string>
  readonly unregistered: Set<string>
}

/** What a process of the broker is started in. */
export interface BrokerWorld {
  readonly scheduler: Scheduler
  readonly cloud: Cloud
  readonly faults: Faults
  readonly history: History
  readonly machine: Machine
  readonly disk: Disk
  readonly files: OperatorFiles
  /** How many times longer the pauses of the loops are. */
  readonly slowness: () => number
  /** Called where the process may die or be paused. */
  readonly onSeam: (process: Process, isIdle: boolean) => void
  /** The process cannot go on, and ends itself. */
  readonly onFatal: (process: Process) => void
}

/** One process of the broker, as `start/` puts it together, on simulated surroundings. */
export interface Broker {
  readonly process: Process
  readonly ledger: Ledger
  readonly grants: GrantService
  readonly operators: OperatorService
}

/** Shorter than usual, so that a simulation is over soon. */
export const SETTINGS = {
  leaseMs: 120_000,
  usableMarginMs: 30_000,
  approvalMs: 200_000,
  claimMs: 900_000,
  settleMs: 30_000,
  cutOnCompletion: ['tag', 'write', 'destructive', 'permissions', 'escalation'],
} as const
const LIMITS = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }

/** Starts a process on what is durable; it serves once what a crash left behind is settled. */
export async function startBroker(world: BrokerWorld, process: Process): Promise<Broker> {
  const { scheduler, machine, faults, history, disk } = world
  const clock = new ProcessClock({ scheduler, machine, process })
  const ids = seededIds(scheduler.chance)
  const stored = await scheduler.work(() => disk.open(clock, ids))
  const onSeam = (isIdle: boolean) => world.onSeam(process, isIdle)
  const ledger = reachLedger(stored, { scheduler, process, faults, history, onSeam })
  const parts = grantParts(world, { process, clock, ids, ledger })
  const sweeper = new Sweeper({
    ...parts,
    clock: new ProcessClock({ scheduler, machine, process, slowness: world.slowness }),
    owner: ids.next('rpl', clock.now()),
    random: () => scheduler.chance.next(),
    retentionMs: 86_400_000,
    onProblem: ({ error }) => {
      if (error instanceof StintError && error.details.poisoned === true) world.onFatal(process)
    },
    onWell: () => {},
  })
  await sweeper.recover()
  sweeper.start()
  return { process, ledger, grants: createGrantService(parts), operators: createOperatorService(parts) }
}

function grantParts(
  { scheduler, cloud, faults, files, onSeam }: BrokerWorld,
  { process, clock, ids, ledger }: { process: Process; clock: ProcessClock; ids: Ids; ledger: Ledger },
): GrantParts & DecideParts {
  const wires = { scheduler, cloud, faults, process, onSeam: () => onSeam(process, false) }
  const provider = simulatedProvider(wires, clock)
  const ask = provider.cloudClock?.ask
  const clockGuard = createClockGuard({ clock, ...(ask && { askReference: ask }) })
  provider.cloudClock?.subscribe((cloudNow) => clockGuard.heard(cloudNow))
  const tokens = new TokenGuard({
    ...{ ledger, clock, reuse: 'connection', deadAfterMs: 20_000 },
    ...{ refusedTokens: { note: async () => {} }, onProblem: () => {}, onWell: () => {} },
  })
  return {
    ...{ ledger, provider, clock, clockGuard, ids, tokens, judge: judgeBy(cloud, files), hub: new WatchHub() },
    settings: SETTINGS,
    admission: new Admission({ limits: { callsPerSecond: 1_000, burst: 1_000, concurrent: 1_000 }, clock }),
    recordLimits: new RecordLimits({ rates: { refusalsPerMinute: 1_000 }, ledger, clock }),
    quotas: { openGrantsPerAgent: 100, budgets: [] },
    standing: new RuleStanding(),
    people: { current: () => [] },
    trust: { isTrusted: () => true },
  }
}

/** Real plans; policy and registry as the operators' files say. */
function judgeBy(cloud: Cloud, files: OperatorFiles) {
  const roles = new Map(cloud.roles.map(({ arn }) => [arn, {}]))
  return createJudge({
    registry: {
      lookup(subject) {
        if (files.unregistered.has(subject)) throw new StintError('AGENT_UNREGISTERED', { subject })
        const expiresAt = new Date('2099-01-01')
        return { name: 'bot', match: subject, owner: 'ann', team: 'data', purpose: 'to test', expiresAt }
      },
    },
    planner: createPlanner({ labels: NO_LABELS, roles, limits: LIMITS }),
    policy: {
      decide({ agent, plan }): Decision {
        if (files.forbidden.has(agent.subject)) return DECISIONS.deny
        return plan.classes.includes('destructive') ? DECISIONS.approval : DECISIONS.permit
      },
    },
    approvalsRequiredFor: ['destructive', 'permissions', 'escalation'],
  })
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

function seededIds(chance: Chance): Ids {
  const body = () => Array.from({ length: 16 }, () => CROCKFORD[chance.between(0, 31)]).join('')
  return { next: (prefix, now) => `${prefix}_${encodeTime(now.getTime(), 10)}${body()}` }
}
