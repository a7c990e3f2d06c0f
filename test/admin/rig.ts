import assert from 'node:assert/strict'
import { createAdminApp } from '../../src/admin/app.ts'
import type { AdminDeps } from '../../src/admin/deps.ts'
import { createOperatorDirectory } from '../../src/admin/operators/operator-directory.ts'
import { mintOperatorToken } from '../../src/admin/operators/operator-tokens.ts'
import type { Problem } from '../../src/admin/problem.ts'
import { sha256Hex } from '../../src/core/canonical-json.ts'
import { StintError } from '../../src/core/errors.ts'
import { randomIds } from '../../src/core/ids.ts'
import type { BudgetUse } from '../../src/grants/budgets/list-budgets.ts'
import type { InventoryService, ListedRegistration } from '../../src/grants/inventory/inventory-service.ts'
import type { KillDrill } from '../../src/grants/kill/drill-kill.ts'
import type { KillView } from '../../src/grants/kill/kill-view.ts'
import type { OperatorRow } from '../../src/grants/operators/operator.ts'
import { OPERATOR_ROLES, type Operator, type OperatorRole } from '../../src/grants/operators/operator.ts'
import { createReachService } from '../../src/grants/reach/reach-service.ts'
import type { PolicyImpact } from '../../src/grants/reevaluate/assess-impact.ts'
import { type Approval, GRANT_STATES, type Grant, type GrantState, type Lease } from '../../src/ledger/records.ts'
import { holdNotFound } from '../../src/ledger/rules/hold-rules.ts'
import { planHash } from '../../src/plan/assemble-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { FakeAdminLedger } from '../support/fake-admin-ledger.ts'
import { ManualClock } from '../support/manual-clock.ts'

export const ROLE_ARN = 'arn:aws:iam::123456789012:role/stint/agent-data'
const SUBJECT = 'spiffe://example.org/ci/deploy'
const PURPOSE = 'remove the <script>alert(1)</script> staging table'
const task = {
  purpose: PURPOSE,
  roleArn: ROLE_ARN,
  access: [{ actions: ['dynamodb:DeleteTable'], resources: ['arn:aws:dynamodb:eu-west-1:123456789012:table/s'] }],
  ttlSeconds: 900,
}
const body: Omit<Plan, 'hash'> = {
  subject: SUBJECT,
  task,
  pairs: [
    {
      action: 'dynamodb:DeleteTable',
      resource: 'arn:aws:dynamodb:eu-west-1:123456789012:table/s',
      class: 'destructive',
      flags: [],
      within: ['env:staging'],
      touches: ['env:staging'],
    },
  ],
  classes: ['destructive'],
  flags: [],
  sessionPolicy: '{"Version":"2012-10-17","Statement":[]}',
  sessionPolicyCharacters: 40,
  blastRadius: {
    actions: 1,
    resourcePatterns: 1,
    byClass: { destructive: 1 },
    byLabel: { 'env:staging': 1 },
    flags: [],
    outlives: [],
    unknown: ['role policies'],
  },
  actionTableVersion: 'test',
}
export const PLAN_HASH = planHash(body)
const PLAN: Plan = { hash: PLAN_HASH, ...body }
const DAY = 86_400_000
const BUDGET_USE: BudgetUse = {
  budget: 'data-team',
  holder: { kind: 'team', name: 'data' },
  measures: [{ measure: 'grantsPerHour', used: 3, limit: 3, freesAt: new Date('2026-11-21T13:05:00Z') }],
}
const POLICY_IMPACT: PolicyImpact = {
  policySetHash: 'ab'.repeat(32),
  active: { judged: 1, ending: 1, needingApproval: 0 },
  waiting: { judged: 0, refused: 0 },
  undecided: 0,
  byAgent: [{ name: SUBJECT, count: 1 }],
  byTeam: [{ name: 'data', count: 1 }],
  byPolicy: [],
  first: [],
}

/** An admin API with one operator of each role, a grant that awaits approval, and a recorder in place of the domain. */
export function adminRig(overrides: Partial<AdminDeps> = {}) {
  const clock = new ManualClock()
  const ledger = new FakeAdminLedger()
  const { grant, approval, lease, plan } = exampleRecords(clock.now())
  ledger.grants.push(grant)
  ledger.approvals.push(approval)
  ledger.leases.push(lease)
  ledger.plans.push(plan)

  const tokens: Record<string, string> = {}
  const rows: OperatorRow[] = []
  const addOperator = (name: string, role: OperatorRole, more: Partial<OperatorRow> = {}) => {
    const { token, sha256 } = mintOperatorToken()
    tokens[name] = token.reveal()
    const expiresAt = new Date(clock.now().getTime() + 30 * DAY)
    rows.push({ name, role, tokenSha256: sha256, groups: [], subjects: [], expiresAt, ...more })
  }
  for (const role of OPERATOR_ROLES) addOperator(role, role, { groups: ['owners'] })
  addOperator('expired', 'admin', { expiresAt: new Date(clock.now().getTime() - 1) })
  addOperator('runs-the-agent', 'admin', { groups: ['owners'], subjects: [grant.subject] })

  const kill = exampleKill(clock.now())
  const calls: { method: string; operator: Operator; id: string; input: unknown }[] = []
  const domain: { failure?: unknown } = {}
  const logged: { level: string; fields: object; message: string }[] = []
  const log = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message })
  const deps: AdminDeps = {
    ledger,
    clock,
    operators: createOperatorDirectory({ rows, clock }),
    operatorService: {
      async revokeGrant(operator, id, note) {
        calls.push({ method: 'revokeGrant', operator, id, input: { note } })
        if (domain.failure !== undefined) throw domain.failure
        return { grant, outcome: { kind: 'ended', at: clock.now() } }
      },
      async decideApproval(operator, id, input) {
        calls.push({ method: 'decideApproval', operator, id, input })
        if (domain.failure !== undefined) throw domain.failure
        return { approval, grant }
      },
    },
    quarantine: {
      show: async () => ({
        quarantine: ledger.latestQuarantine,
        inForce: ledger.latestQuarantine !== undefined,
        unfinished: [],
      }),
      async open(operator, input) {
        calls.push({ method: 'openQuarantine', operator, id: '', input })
        if (domain.failure !== undefined) throw domain.failure
        if (!ledger.latestQuarantine) throw new Error('the test has no quarantine')
        return ledger.latestQuarantine
      },
    },
    kills: {
      async kill(operator, input) {
        calls.push({ method: 'kill', operator, id: '', input })
        if (domain.failure !== undefined) throw domain.failure
        return { kill, isExisting: false, noLeaseSince: clock.now(), shutOut: [] }
      },
      async drill(operator, input) {
        calls.push({ method: 'drillKill', operator, id: '', input })
        if (domain.failure !== undefined) throw domain.failure
        return KILL_DRILL
      },
      async lift(operator, id, note) {
        calls.push({ method: 'liftKill', operator, id, input: { note } })
        if (domain.failure !== undefined) throw domain.failure
        return kill
      },
      async show(id) {
        if (id !== kill.id) throw holdNotFound(id)
        return kill
      },
      list: async () => ({ items: [kill] }),
    },
    notices: {
      listEndpoints: async () => [{ name: 'ops', configured: true, events: ['grant.ended'], waiting: 0, dead: 1 }],
      listDead: async () => ({ items: [] }),
      async test(operator, endpoint) {
        calls.push({ method: 'testEndpoint', operator: operator as Operator, id: endpoint, input: {} })
        if (domain.failure !== undefined) throw domain.failure
        return { endpoint, delivered: true }
      },
      async resend(operator, endpoint, id) {
        calls.push({ method: 'resend', operator: operator as Operator, id: endpoint, input: { id } })
        if (domain.failure !== undefined) throw domain.failure
        return { endpoint, count: 1 }
      },
    },
    provider: {},
    bounds: {
      listBudgets: async () => ({ items: [BUDGET_USE] }),
      assessImpact: async (files) => {
        if (domain.failure !== undefined) throw domain.failure
        return { ...POLICY_IMPACT, active: { ...POLICY_IMPACT.active, judged: files.length } }
      },
    },
    inventory: fakeInventory(clock),
    reach: createReachService({
      ledger,
      clock,
      reachOf: () => undefined,
      inventory: () => ({ takenAt: clock.now(), arns: ['arn:aws:dynamodb:eu-west-1:123456789012:table/s'] }),
      lookup: () => {
        throw new StintError('AGENT_UNREGISTERED')
      },
      named: () => undefined,
      trustDomainOf: () => 'example.org',
      rules: () => {
        throw new Error('the test has no policies')
      },
    }),
    registryProblem: () => ({ code: 'REGISTRY_INVALID', explanation: 'line 3 has no owner' }),
    policies: {
      status: () => ({
        hash: sha256Hex('policies'),
        loadedAt: clock.now(),
        policies: [{ id: 'invoices-read', effect: 'permit', file: 'invoices.cedar', approval: 'owners:1' }],
      }),
    },
    status: () => ({ notReady: [], problems: [], identity: { bundles: [] }, version: '0.1.0' }),
    logger: { info: log('info'), warn: log('warn'), error: log('error') },
    ...overrides,
  }
  const admin = createAdminApp(deps)
  const call = (method: string, path: string, options: CallOptions = {}) => {
    const { as, body, headers = {}, address = '192.0.2.1' } = options
    const init = {
      method,
      headers: {
        ...(as === undefined ? {} : { authorization: `Bearer ${tokens[as] ?? as}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }
    return Promise.resolve(
      admin.app.request(`http://admin.test${path}`, init, { incoming: { socket: { remoteAddress: address } } }),
    )
  }
  return { ...admin, deps, clock, ledger, tokens, calls, domain, logged, call, grant, approval, lease, plan }
}

interface CallOptions {
  /** Name of an operator, or a token as it is. */
  readonly as?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly address?: string
}

/** The inventory of one registration that never changes. */
function fakeInventory(clock: ManualClock): InventoryService {
  const registration: ListedRegistration = {
    name: 'deploy',
    match: 'spiffe://example.org/ci/*',
    owner: 'ada@example.org',
    team: 'data',
    purpose: 'deploys',
    expiresAt: new Date(clock.now().getTime() + DAY),
    source: 'api',
    version: 1,
    standing: 'good',
  }
  return {
    list: () => [registration],
    register: async () => registration,
    change: async () => registration,
    remove: async () => registration,
    show: async () => [registration],
    hold: async () => registration,
    release: async () => registration,
    review: async () => ({
      registration,
      usage: {
        grants: Object.fromEntries(GRANT_STATES.map((state) => [state, 0])) as Record<GrantState, number>,
        isWhole: true,
        agents: [],
        agentsLeftOut: 0,
        used: { roles: [], classes: [], labels: [], actions: [] },
        neverUsed: { roles: [], classes: [], labels: [], actions: [] },
      },
      nextAt: registration.expiresAt,
      maySign: true,
      shown: PLAN_HASH,
    }),
    sign: async () => registration,
  }
}

/** One row of each kind, with every optional field that a reader may meet. */
export function exampleRecords(now: Date): { grant: Grant; approval: Approval; lease: Lease; plan: Plan } {
  const requirements = [{ anyOf: ['owners'], because: ['staging-delete'] }]
  const grant: Grant = {
    id: randomIds.next('grt', now),
    subject: SUBJECT,
    trustDomain: 'example.org',
    authMethod: 'x509-svid',
    registration: 'deploy',
    owner: 'ada@example.org',
    team: 'data',
    idempotencyKey: 'run-4711',
    taskHash: sha256Hex('task'),
    planHash: PLAN_HASH,
    roleArn: ROLE_ARN,
    purpose: PURPOSE,
    state: 'awaiting_approval',
    decision: {
      outcome: 'approval',
      determiningPolicies: ['staging-delete'],
      failedPairs: [],
      approval: requirements,
      policySetHash: sha256Hex('policies'),
    },
    requestedAt: now,
    dueAt: new Date(now.getTime() + 3_600_000),
    leaseCount: 1,
    version: 1,
  }
  const approval: Approval = {
    id: randomIds.next('apr', now),
    grantId: grant.id,
    planHash: PLAN_HASH,
    requirements,
    state: 'pending',
    requestedAt: now,
    expiresAt: new Date(now.getTime() + 3_600_000),
    votes: [],
    version: 1,
  }
  const lease: Lease = {
    id: randomIds.next('lse', now),
    grantId: grant.id,
    number: 1,
    roleArn: ROLE_ARN,
    sessionName: `${grant.id.slice(4)}.1`,
    state: 'issued',
    notAfter: new Date(now.getTime() + 300_000),
    intendedAt: now,
    issuedAt: now,
    accessKeyId: 'ASIAEXAMPLEEXAMPLE00',
  }
  return { grant, approval, lease, plan: PLAN }
}

/** The problem document of a refusal; fails if the answer is anything else. */
export async function problemOf(answer: Response): Promise<Problem> {
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
  const problem = (await answer.json()) as Problem
  assert.equal(problem.status, answer.status)
  assert.equal(problem.type, `urn:stint:error:${problem.code}`)
  assert.equal(problem.requestId, answer.headers.get('x-request-id'))
  return problem
}

/** The id of the kill that the rig has. */
export const KILL_ID = 'kil_01JD7Z0000EXAMP1E00KJ11000'

function exampleKill(since: Date): KillView {
  return {
    ...{ id: KILL_ID, scope: 'team', value: 'data', since, by: 'operator:ada', why: 'it deletes buckets' },
    ...{ isPublic: false, inForce: true, state: 'denying', heldAt: since.toISOString(), ended: 1, leases: 1 },
    found: { grants: 1, ending: 0, approvals: 0, agents: 1, unreadable: 0 },
    ...{ unreadable: [], undeniable: { grants: 0 }, isCutShort: false },
    denies: { unwritten: 1, unenforced: 1, until: since },
  }
}

const KILL_DRILL: KillDrill = {
  ...{ scope: 'team', value: 'data' },
  counts: { grants: 1, ending: 0, approvals: 0, leases: 1, agents: 1, teams: 1, owners: 1, unreadable: 0 },
  agents: [{ name: 'spiffe://example.org/ci/deploy', grants: 1 }],
  teams: [{ name: 'data', grants: 1 }],
  ...{ grants: [], undeniable: [], denyLists: [] },
  estimate: { endedSeconds: 2, writtenSeconds: 4, enforcedSeconds: 34 },
}
