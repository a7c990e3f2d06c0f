import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClockGuard } from '../../src/core/clock-guard.ts'
import { StintError } from '../../src/core/errors.ts'
import { randomIds } from '../../src/core/ids.ts'
import type { Canaries } from '../../src/credentials/canary.ts'
import type { CredentialProvider } from '../../src/credentials/provider.ts'
import { Admission, RecordLimits, type RecordRates } from '../../src/grants/agents/agent-limits.ts'
import { TokenGuard, type TokenReuse } from '../../src/grants/agents/token-guard.ts'
import type { Budget } from '../../src/grants/budgets/budget.ts'
import { createJudge } from '../../src/grants/judge.ts'
import { createKillService } from '../../src/grants/kill/kill-service.ts'
import type { DecideParts } from '../../src/grants/operators/decide-approval.ts'
import type { Operator } from '../../src/grants/operators/operator.ts'
import { SessionNotes } from '../../src/grants/own-sessions/session-notes.ts'
import { RuleStanding } from '../../src/grants/reevaluate/rule-standing.ts'
import {
  createGrantService,
  createOperatorService,
  createQuarantineService,
  type GrantParts,
} from '../../src/grants/services.ts'
import { Sweeper } from '../../src/grants/sweeper.ts'
import { WatchHub } from '../../src/grants/watching/watch-hub.ts'
import type { CallConnection, CallerIdentity } from '../../src/identity/caller-identity.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { RefusalLog } from '../../src/ledger/refusal-log.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { type LabelSet, NO_LABELS, parseLabels } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import type { RoleSettings } from '../../src/plan/role-settings.ts'
import type { Decision } from '../../src/policy/decision.ts'
import { recordOf } from './audit-record.ts'
import { refuseUncataloguedEvents } from './catalogued-events.ts'
import { FakeProvider, ROLE } from './fake-provider.ts'
import { ManualClock } from './manual-clock.ts'

refuseUncataloguedEvents()

export const READ = { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::data/*'] }
export const WRITE = { actions: ['s3:PutObject'], resources: ['arn:aws:s3:::data/*'] }
export const DELETE = { actions: ['s3:DeleteObject'], resources: ['arn:aws:s3:::data/*'] }

const CUT = ['tag', 'write', 'destructive', 'permissions', 'escalation'] as const

const PERMIT: Decision = {
  outcome: 'permit',
  determiningPolicies: ['p'],
  failedPairs: [],
  approval: [],
  policySetHash: 'set-1',
}
const APPROVAL: Decision = { ...PERMIT, outcome: 'approval', approval: [{ anyOf: ['owners'], because: ['p'] }] }
const DENY: Decision = {
  ...PERMIT,
  outcome: 'deny',
  failedPairs: [{ action: 's3:GetObject', resource: 'arn:aws:s3:::data/*', reason: 'no_permit', policies: [] }],
}
export const DECISIONS = { permit: PERMIT, approval: APPROVAL, deny: DENY }

export const OLGA: Operator = { name: 'olga', role: 'approver', groups: ['owners'], subjects: [] }
export const ADA: Operator = { name: 'ada', role: 'admin', groups: [], subjects: [] }
export const OSCAR: Operator = { name: 'oscar', role: 'operator', groups: [], subjects: [] }

export function caller(over: Partial<CallerIdentity> = {}): CallerIdentity {
  return {
    subject: 'spiffe://example.org/bot',
    trustDomain: 'example.org',
    authMethod: 'x509-svid',
    expiresAt: new Date('2099-01-01T00:00:00Z'),
    evidence: { certificateFingerprint: 'f'.repeat(64) },
    ...over,
  }
}

/** A connection of the bearer port, in the test's hands. */
export function openConnection(id: string) {
  const controller = new AbortController()
  return { id, closed: controller.signal, close: () => controller.abort() }
}

/** A caller with a bearer token alone, which came by this connection. */
export function bearer(connection: CallConnection, key = 'token-1'): CallerIdentity {
  const token = { key, until: new Date('2099-01-01T00:00:00Z'), connection }
  return caller({ authMethod: 'jwt-svid', evidence: { tokenId: key }, token })
}

export function task(access: object = READ, over: object = {}) {
  return { purpose: 'to look at the data', roleArn: ROLE, access: [access], ttlSeconds: 1_800, ...over }
}

/** The whole life of a grant on a real SQLite ledger, with time, cloud, registry and policy in the test's hands. */
export interface Harness extends Awaited<ReturnType<typeof openHarness<FakeProvider>>> {}

/** @param options.folder of an earlier harness: opens its ledger again, as a broker that was started anew. */
export async function openHarness<Provider extends CredentialProvider = FakeProvider>(
  options: {
    folder?: string
    /** Default: a SQLite ledger in the folder. */
    ledger?: Ledger
    clock?: ManualClock
    provider?: Provider
    limits?: object
    recordRates?: RecordRates
    reuse?: TokenReuse
    /** Absent: the settle time alone says when a deny is in force. */
    canaries?: Canaries
    /** That tasks may name; default the one of the fake provider. */
    roles?: readonly string[]
    /** What the operator has set for each of them. */
    roleSettings?: RoleSettings
  } = {},
) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'stint-test-'))
  const clock = options.clock ?? new ManualClock()
  const provider = options.provider ?? (new FakeProvider({ clock }) as CredentialProvider as Provider)
  const ledger: Ledger =
    options.ledger ?? (await openSqliteLedger({ file: join(folder, 'ledger.db'), clock, ids: randomIds }))
  /** What the operator's files say now; tests change it. */
  const rules = {
    decision: PERMIT as Decision,
    registered: true,
    owner: 'ann',
    team: 'data',
    trusted: true,
    policyError: undefined as StintError | undefined,
    mayLiftAlone: false,
    /** Scopes that the break-glass file names, e.g. `team data`. */
    killFile: [] as string[],
    liftedAlone: [] as object[],
  }
  const problems: { component: string; error: unknown }[] = []
  const hub = new WatchHub()
  /** Whoever could answer approvals now; tests change it. */
  const people: Operator[] = []
  const settings = {
    leaseMs: 300_000,
    usableMarginMs: 30_000,
    approvalMs: 600_000,
    claimMs: 900_000,
    settleMs: 30_000,
    cutOnCompletion: CUT,
  }
  const planBy = (labels: LabelSet) =>
    createPlanner({
      labels,
      roles: new Map((options.roles ?? [ROLE]).map((arn) => [arn, options.roleSettings ?? {}])),
      limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
    })
  let planner = planBy(NO_LABELS)
  const refusedTokens = new RefusalLog({
    ledger,
    clock,
    logger: { error: (fields) => problems.push({ component: 'refused-tokens', error: fields }) },
    callers: 'agents',
    eventsPerMinute: 10,
  })
  const tokens = new TokenGuard({
    ledger,
    refusedTokens,
    clock,
    reuse: options.reuse ?? 'connection',
    deadAfterMs: 20_000,
    onProblem: (error) => problems.push({ component: 'tokens', error }),
    onWell: () => {},
  })
  const registration = (subject: string) => ({
    ...{ name: 'bot', match: subject, owner: rules.owner, team: rules.team, purpose: 'to test' },
    expiresAt: new Date('2099-01-01'),
  })
  const parts: GrantParts & DecideParts = {
    ledger,
    provider,
    judge: createJudge({
      registry: {
        lookup(subject) {
          if (!rules.registered) throw new StintError('AGENT_UNREGISTERED', { subject })
          return registration(subject)
        },
      },
      planner: { plan: (subject, wanted) => planner.plan(subject, wanted) },
      policy: {
        decide() {
          if (rules.policyError) throw rules.policyError
          return rules.decision
        },
      },
      approvalsRequiredFor: ['destructive', 'permissions', 'escalation'],
    }),
    admission: new Admission({
      limits: { callsPerSecond: 1_000, burst: 1_000, concurrent: 1_000, ...options.limits },
      clock,
    }),
    recordLimits: new RecordLimits({ rates: options.recordRates ?? { refusalsPerMinute: 1_000 }, ledger, clock }),
    hub,
    clock,
    clockGuard: createClockGuard({ clock }),
    ids: randomIds,
    settings,
    quotas: { openGrantsPerAgent: 100, budgets: [] as readonly Budget[] },
    standing: new RuleStanding(),
    tokens,
    people: { current: () => people },
    trust: { isTrusted: () => rules.trusted },
  }
  const well: string[] = []
  const sweeper = new Sweeper({
    ...parts,
    owner: 'test',
    canaries: options.canaries,
    notes: new SessionNotes(join(folder, 'ledger.db')),
    random: () => 0.5,
    retentionMs: 86_400_000,
    onProblem: (problem) => problems.push(problem),
    onWell: (component) => well.push(component),
  })
  const grants = createGrantService(parts)
  return {
    folder,
    clock,
    provider,
    ledger,
    rules,
    people,
    parts,
    grants,
    operators: createOperatorService(parts),
    quarantine: createQuarantineService(parts),
    kills: createKillService({
      ...parts,
      registrations: () => (rules.registered ? [registration(caller().subject)] : []),
      mayLiftAlone: () => rules.mayLiftAlone,
      isInFile: ({ kind, value }) => rules.killFile.includes(`${kind} ${value}`),
      onLiftedAlone: (facts) => rules.liftedAlone.push(facts),
    }),
    sweeper,
    problems,
    well,
    /** From now on every task comes to another plan: a label that they touch is new. */
    changePlans: () => {
      planner = planBy(parseLabels({ labels: [{ label: 'env:prod', resources: ['arn:aws:s3:::data/prod/*'] }] }))
    },
    signal: new AbortController().signal,
    request: (key: string, wanted: object = task(), who = caller()) =>
      grants.requestGrant(who, { task: wanted, idempotencyKey: key }, new AbortController().signal),
    events: async () => (await recordOf(ledger)).map((event) => event.type),
    /** Ends the process as a crash would see it from outside: nothing is finished, the file is let go. */
    close: () => ledger.close(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
