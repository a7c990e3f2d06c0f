import Table from 'cli-table3'
import type { AddedLatency } from './parts/added-latency.ts'
import type { Ceiling, Ceilings } from './parts/ceilings.ts'
import type { Drain } from './parts/drain.ts'
import type { Expiry } from './parts/expiry.ts'
import type { Gate } from './parts/gate.ts'
import type { Identity } from './parts/identity.ts'
import type { ManyGrants } from './parts/many-grants.ts'
import type { PlanSize } from './parts/plan-size.ts'
import type { PostgresFindings, PostgresRow } from './parts/postgres.ts'
import type { Revocation } from './parts/revocation.ts'
import { HEADLINE, type ThroughputRow } from './parts/throughput.ts'

/** All that the bench has found. */
export interface Findings {
  readonly throughput: readonly ThroughputRow[]
  readonly ceilings: Ceilings
  readonly addedLatency: AddedLatency
  readonly manyGrants: ManyGrants
  readonly expiry: Expiry
  readonly identity: Identity
  readonly revocation: Revocation
  readonly planSize: PlanSize
  readonly drain: Drain
  /** Undefined where there is no PostgreSQL. */
  readonly postgres: PostgresFindings | undefined
  readonly gate: Gate
}

/** The figures that the project holds itself to, and what bounds them. */
export interface Figures {
  readonly grants_per_second: number
  readonly new_tasks_per_second: number
  readonly one_in_flight_per_second: number
  /** Of the broker, for one grant of the first figure: CPU time, what the garbage collector frees, and what goes to disk. */
  readonly cpu_us_per_grant: number
  /** Of the first, the two threads that bound what a broker with two cores carries. */
  readonly main_thread_us_per_grant: number
  readonly writer_us_per_grant: number
  readonly garbage_kb_per_grant: number
  /** In KB; absent where the system does not tell. With many grants in flight one commit is for many of them. */
  readonly bytes_written_per_grant: number
  readonly bytes_written_alone: number
  readonly added_p50_ms: number
  readonly added_p99_ms: number
  /** A fraction. */
  readonly slowdown_at_1m: number
  readonly expiry_lateness_p99_ms: number
  readonly ready_ms_at_1m: number
  readonly rss_mb_at_100k: number
  readonly grpc_echo_per_second: number
  readonly durable_commits_per_second: number
  readonly sts_client_per_second: number
  readonly x509_over_handshake: number
  readonly call_identity_us: number
  readonly jwt_over_crypto: number
  readonly attack_p99_ratio: number
  readonly deny_written_p99_ms: number
  /** Of a hundred agents together, at the highest rate tried. */
  readonly completions_per_minute_before_collateral: number
  /** Of others, by one agent at its default limits. */
  readonly collateral_sessions: number
  /** Everyday tasks whose session policy fits; a fraction. */
  readonly plans_that_fit: number
  readonly plan_ms: number
  readonly drain_ms_1000_watchers: number
  /** From a change of the policy files until none of 10,000 active grants that they refuse is active any more. */
  readonly reevaluate_10k_ms: number
  /** CPU of a broker on SQLite for a grant, over that of one on PostgreSQL. */
  readonly pg_cpu_share_of_sqlite: number
  /** What two replicas carry over what one does, by the CPU that each spends on a grant. */
  readonly pg_two_replicas_ratio: number
  /** From the kill of a replica until another has fenced it off and given its claims back. */
  readonly failover_ms: number
  /** From a call at one broker until an agent that watches at another one has its outcome. */
  readonly cross_replica_wake_p99_ms: number
  /** From a request that waits, by two votes, to its lease. */
  readonly approval_p50_ms: number
  /** A verdict on every action for a role of 400 statements, parsing left out. */
  readonly reach_400_ms: number
  /** From the kill of 10,000 live grants until no lease can be issued any more. */
  readonly kill_no_lease_ms: number
  /** From the same until their denies are written. */
  readonly kill_written_ms: number
}

/** The figures of the parts that ran. */
export function figuresOf(findings: Partial<Findings>): Partial<Figures> {
  const {
    throughput,
    ceilings,
    addedLatency,
    manyGrants,
    expiry,
    identity,
    revocation,
    planSize,
    drain,
    postgres,
    gate,
  } = findings
  return {
    ...(throughput && throughputFigures(throughput)),
    ...(addedLatency && {
      added_p50_ms: round(addedLatency.addedP50Ms, 2),
      added_p99_ms: round(addedLatency.addedP99Ms, 2),
    }),
    ...(manyGrants && { slowdown_at_1m: round(manyGrants.slowdown, 3) }),
    ...(expiry && { expiry_lateness_p99_ms: round(expiry.p99Ms, 0) }),
    ...(manyGrants && { ready_ms_at_1m: round(manyGrants.readyMs, 0), rss_mb_at_100k: round(manyGrants.rssMb, 0) }),
    ...(ceilings && {
      grpc_echo_per_second: round(ceilings.grpcEcho.perSecond, 0),
      durable_commits_per_second: round(ceilings.durableCommits.perSecond, 0),
      sts_client_per_second: round(ceilings.stsClient.perSecond, 0),
    }),
    ...(identity && {
      x509_over_handshake: round(identity.x509OverHandshake, 2),
      call_identity_us: round(identity.callUs, 2),
      jwt_over_crypto: round(identity.jwtOverCrypto, 2),
      ...(identity.attack && { attack_p99_ratio: round(identity.attack.ratio, 2) }),
    }),
    ...(revocation && {
      deny_written_p99_ms: round(revocation.deniedP99Ms, 0),
      completions_per_minute_before_collateral: round(revocation.completionsPerMinute, 0),
      collateral_sessions: revocation.flood.collateralSessions,
    }),
    ...(planSize && { plans_that_fit: round(planSize.fit / planSize.tasks, 4), plan_ms: round(planSize.meanMs, 2) }),
    ...(drain && { drain_ms_1000_watchers: round(drain.ms, 0) }),
    ...(postgres && {
      pg_cpu_share_of_sqlite: round(postgres.sqlite.cpuUsEach / postgres.one.cpuUsEach, 2),
      pg_two_replicas_ratio: round((2 * postgres.one.cpuUsEach) / postgres.two.cpuUsEach, 2),
      failover_ms: round(postgres.failoverMs, 0),
      cross_replica_wake_p99_ms: round(postgres.wakeP99Ms, 1),
    }),
    ...(gate && {
      approval_p50_ms: round(gate.approval.p50Ms, 1),
      reach_400_ms: round(gate.reachMs, 1),
      reevaluate_10k_ms: round(gate.reevaluation.allMs, 0),
      kill_no_lease_ms: round(gate.kill.noLeaseMs, 1),
      kill_written_ms: round(gate.kill.writtenMs, 0),
    }),
  }
}

function throughputFigures(throughput: readonly ThroughputRow[]) {
  const grants = headline(throughput)
  const written = { together: grants.writtenKbEach, alone: alone(throughput).writtenKbEach }
  return {
    grants_per_second: round(grants.perSecond, 0),
    new_tasks_per_second: round(headline(throughput, 'new').perSecond, 0),
    one_in_flight_per_second: round(alone(throughput).perSecond, 0),
    cpu_us_per_grant: round(grants.cpuMsEach * 1_000, 0),
    main_thread_us_per_grant: round(grants.mainMsEach * 1_000, 0),
    ...(Number.isFinite(grants.writerMsEach) && { writer_us_per_grant: round(grants.writerMsEach * 1_000, 0) }),
    garbage_kb_per_grant: round(grants.garbageKbEach, 0),
    ...(Number.isFinite(written.together) && {
      bytes_written_per_grant: round(written.together, 1),
      bytes_written_alone: round(written.alone, 1),
    }),
  }
}

/** A table of the report. */
export interface ReportTable {
  readonly head: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
}

/**
 * Up to five tables: every row of throughput, the shares of the ceilings, PostgreSQL beside SQLite, the cost of identity, the
 * figures beside their targets.
 *
 * @param judged whether to say which targets are reached.
 */
export function reportTables(findings: Partial<Findings>, judged: boolean): ReportTable[] {
  const { throughput, ceilings, identity, postgres } = findings
  const tables = [
    throughput && throughputTable(throughput),
    throughput && ceilings && ceilingTable(throughput, ceilings),
    postgres && postgresTable(postgres),
    identity && identityTable(identity),
    figureTable(findings, judged),
  ]
  return tables.filter((table) => table !== undefined)
}

/** The report for a terminal. */
export function reportText(findings: Partial<Findings>, judged: boolean): string {
  const tables = reportTables(findings, judged).map(({ head, rows }) => {
    const table = new Table({ head: [...head], style: { head: [], border: [] } })
    table.push(...rows.map((row) => [...row]))
    return table.toString()
  })
  return [tables.join('\n\n'), ...notes(findings)].join('\n')
}

/** The report as Markdown. */
export function reportMarkdown(findings: Partial<Findings>, judged: boolean): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  const tables = reportTables(findings, judged).map(({ head, rows }) =>
    [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n'),
  )
  const told = notes(findings).map((note) => `- ${note}`)
  return [...tables, told.join('\n')].join('\n\n')
}

function throughputTable(throughput: readonly ThroughputRow[]): ReportTable {
  const rows = throughput.map(({ stsMs, inFlight, tasks, perSecond, p50Ms, p99Ms, ...each }) => [
    `${stsMs} ms`,
    inFlight,
    tasks,
    fixed(perSecond, 0),
    ms(p50Ms),
    ms(p99Ms),
    ...toCosts(each),
  ])
  return { head: ['STS', 'in flight', 'tasks', 'grants/s', 'p50', 'p99', 'CPU', 'garbage', 'written'], rows }
}

function toCosts(each: Pick<ThroughputRow, 'cpuMsEach' | 'garbageKbEach' | 'writtenKbEach'>): string[] {
  return [
    `${fixed(each.cpuMsEach * 1_000, 0)} µs`,
    `${fixed(each.garbageKbEach, 0)} KB`,
    `${fixed(each.writtenKbEach, 1)} KB`,
  ]
}

function ceilingTable(throughput: readonly ThroughputRow[], ceilings: Ceilings): ReportTable {
  const { grpcEcho, durableCommits, stsClient } = ceilings
  const { perSecond, perCpuSecond } = headline(throughput)
  const rows: [string, Ceiling][] = [
    ['gRPC echo over the same listener', grpcEcho],
    ['ledger: opened and issued, durable', durableCommits],
    ['STS client', stsClient],
    ['the three in turn', inTurn([grpcEcho, durableCommits, stsClient])],
  ]
  return {
    head: ['alone on the core', 'per s', 'per CPU s', 'grants/s are', 'by CPU'],
    rows: rows.map(([name, ceiling]) => [
      name,
      fixed(ceiling.perSecond, 0),
      fixed(ceiling.perCpuSecond, 0),
      percent(perSecond / ceiling.perSecond),
      percent(perCpuSecond / ceiling.perCpuSecond),
    ]),
  }
}

function postgresTable({ sqlite, one, two }: PostgresFindings): ReportTable {
  const head = ['ledger', 'brokers', 'grants/s', 'p50', 'p99', 'CPU of a broker', 'CPU of the database']
  const row = (ledger: string, brokers: number, found: PostgresRow) => [
    ledger,
    brokers,
    fixed(found.perSecond, 0),
    ms(found.p50Ms),
    ms(found.p99Ms),
    `${fixed(found.cpuUsEach, 0)} µs`,
    found.databaseUsEach === undefined ? '' : `${fixed(found.databaseUsEach, 0)} µs`,
  ]
  return { head, rows: [row('SQLite', 1, sqlite), row('PostgreSQL', 1, one), row('PostgreSQL', 2, two)] }
}

function identityTable(identity: Identity): ReportTable {
  const { handshakeUs, leafUs, chainUs, callUs, jwtUs, joseUs, webCryptoUs, cryptoUs } = identity
  return {
    head: ['identity, CPU of the broker’s side', 'µs', 'beside'],
    rows: [
      ['TLS 1.3 handshake of both sides, bare', fixed(handshakeUs, 1), ''],
      ['X.509-SVID under its root', fixed(leafUs, 1), `${fixed(leafUs / handshakeUs, 2)} handshakes`],
      ['X.509-SVID and intermediate', fixed(chainUs, 1), `${fixed(chainUs / handshakeUs, 2)} handshakes`],
      ['a call on a verified connection', fixed(callUs, 2), ''],
      ['ES256 verify of node:crypto', fixed(cryptoUs, 1), ''],
      ['ES256 verify of WebCrypto', fixed(webCryptoUs, 1), `${fixed(identity.webCryptoOverCrypto, 2)} node:crypto`],
      ['the same by jose', fixed(joseUs, 1), `${fixed(identity.joseOverCrypto, 2)} node:crypto`],
      ['a whole JWT-SVID', fixed(jwtUs, 1), `${fixed(identity.jwtOverCrypto, 2)} node:crypto`],
    ],
  }
}

/** Name, found, target, sense, unit. */
type FigureRow = readonly [string, number | undefined, number, '<=' | '>=', string]

function figureTable(findings: Partial<Findings>, judged: boolean): ReportTable {
  const rows = figureRows(findings, figuresOf(findings)).flatMap(([name, found, target, sense, unit]) => {
    if (found === undefined) return []
    const reached = sense === '<=' ? found <= target : found >= target
    const sign = sense === '<=' ? 'at most' : 'at least'
    return [
      [
        name,
        `${round(found, found < 10 ? 2 : 1)} ${unit}`.trimEnd(),
        `${sign} ${target} ${unit}`.trimEnd(),
        judged ? (reached ? 'reached' : 'NOT REACHED') : 'not judged',
      ],
    ]
  })
  return { head: ['figure', 'found', 'target', ''], rows }
}

function figureRows({ manyGrants, expiry, drain, gate }: Partial<Findings>, figures: Partial<Figures>): FigureRow[] {
  const many = manyGrants?.grants.toLocaleString('en')
  const slowdown = figures.slowdown_at_1m
  return [
    [`grants/s, ${HEADLINE.inFlight} in flight, STS ${HEADLINE.stsMs} ms`, figures.grants_per_second, 600, '>=', ''],
    ['the same, each task new', figures.new_tasks_per_second, 900, '>=', ''],
    ['the same, one in flight', figures.one_in_flight_per_second, 350, '>=', ''],
    ['CPU time of the broker for a grant', figures.cpu_us_per_grant, 600, '<=', 'µs'],
    ['of it, the main thread', figures.main_thread_us_per_grant, 400, '<=', 'µs'],
    ['of it, the thread that writes the ledger', figures.writer_us_per_grant, 400, '<=', 'µs'],
    ['garbage for a grant', figures.garbage_kb_per_grant, 150, '<=', 'KB'],
    [`written to disk for a grant, ${HEADLINE.inFlight} in flight`, figures.bytes_written_per_grant, 7, '<=', 'KB'],
    ['written to disk for a grant alone', figures.bytes_written_alone, 40, '<=', 'KB'],
    ['added p50 at 200/s over STS 20 ms', figures.added_p50_ms, 3, '<=', 'ms'],
    ['added p99', figures.added_p99_ms, 15, '<=', 'ms'],
    [`slower at ${many} live grants`, percentOf(slowdown), 10, '<=', '%'],
    [`lateness p99 of ${expiry?.grants} expiries at once`, figures.expiry_lateness_p99_ms, 1_000, '<=', 'ms'],
    [`ready at ${many} live grants`, figures.ready_ms_at_1m, 2_000, '<=', 'ms'],
    [
      `resident at ${manyGrants?.memoryGrants.toLocaleString('en')} live grants`,
      figures.rss_mb_at_100k,
      250,
      '<=',
      'MB',
    ],
    ['X.509 verification over a bare TLS handshake', figures.x509_over_handshake, 2, '<=', '×'],
    ['identity of a call on a verified connection', figures.call_identity_us, 5, '<=', 'µs'],
    ['JWT-SVID ES256 over verify of node:crypto', figures.jwt_over_crypto, 1.3, '<=', '×'],
    ['a good client’s p99 beside an attack over quiet', figures.attack_p99_ratio, 3, '<=', '×'],
    ['from a revocation to its deny written, p99', figures.deny_written_p99_ms, 3_000, '<=', 'ms'],
    [
      'completions a minute, 100 agents, none else cut',
      figures.completions_per_minute_before_collateral,
      1_200,
      '>=',
      '',
    ],
    ['sessions of others cut by one flooding agent', figures.collateral_sessions, 0, '<=', ''],
    ['everyday tasks that fit into a session policy', percentOf(figures.plans_that_fit), 89, '>=', '%'],
    [`a stop with ${drain?.watchers} watchers`, figures.drain_ms_1000_watchers, 2_000, '<=', 'ms'],
    [
      `${gate?.reevaluation.grants} grants judged again and ended, from the change of the files`,
      figures.reevaluate_10k_ms,
      20_000,
      '<=',
      'ms',
    ],
    ['CPU of a broker for a grant, SQLite over PostgreSQL', figures.pg_cpu_share_of_sqlite, 0.8, '>=', ''],
    ['two replicas over one, by CPU of the brokers', figures.pg_two_replicas_ratio, 1.6, '>=', ''],
    ['a killed replica’s claims with another one', figures.failover_ms, 10_000, '<=', 'ms'],
    ['a change at another broker seen, p99', figures.cross_replica_wake_p99_ms, 1_000, '<=', 'ms'],
    ['a request, two votes and its lease, p50', figures.approval_p50_ms, 20, '<=', 'ms'],
    ['the reach of a role of 400 statements', figures.reach_400_ms, 100, '<=', 'ms'],
    ['a kill of 10,000 grants: no more leases', figures.kill_no_lease_ms, 250, '<=', 'ms'],
    ['a kill of 10,000 grants: denies written', figures.kill_written_ms, 10_000, '<=', 'ms'],
  ]
}

/** A fraction as a percentage, as far as there is one. */
function percentOf(fraction: number | undefined): number | undefined {
  return fraction === undefined ? undefined : fraction * 100
}

function notes({
  addedLatency,
  manyGrants,
  expiry,
  identity,
  revocation,
  planSize,
  drain,
}: Partial<Findings>): string[] {
  const attack = identity?.attack
  return [
    addedLatency &&
      `STS alone at 200/s: p50 ${ms(addedLatency.stsP50Ms)}, p99 ${ms(addedLatency.stsP99Ms)}; added is beyond that p50.`,
    manyGrants &&
      `Slower by CPU: ${percent(manyGrants.slowdownByCpu)}. Ready on an empty ledger: ${fixed(manyGrants.emptyReadyMs, 0)} ms, start of Node included. Filling took ${fixed(manyGrants.fillSeconds, 0)} s.`,
    expiry &&
      `Expiries: ${expiry.ended} of ${expiry.grants} ended, p50 ${fixed(expiry.p50Ms, 0)} ms. A grant from its request to its end, audit log included: ${fixed(expiry.kbEach, 1)} KB of the ledger.`,
    attack &&
      `A good client: quiet p99 ${ms(attack.quietP99Ms)}, beside the attack ${ms(attack.attackP99Ms)} (${attack.connections} connections, ${attack.bursts} bursts a window).`,
    revocation &&
      `Revocation: ${revocation.flood.completions} completions of one agent in ${revocation.flood.seconds} s, ${revocation.flood.commonWatermarks} common watermarks; deny written p50 ${ms(revocation.deniedP50Ms)}. A look at a document that nobody changed: ${revocation.lookCalls} calls of IAM, ${ms(revocation.lookMs)}.`,
    drain && `Of ${drain.watchers} watchers ${drain.told} were told that the broker shuts down.`,
    planSize &&
      `Everyday tasks: ${planSize.fit} of ${planSize.tasks} fit into a session policy, ${planSize.shortened} of them with wildcards; the median of those has ${planSize.medianCharacters} characters.`,
  ].filter((note) => note !== undefined)
}

function headline(throughput: readonly ThroughputRow[], tasks: ThroughputRow['tasks'] = 'repeated'): ThroughputRow {
  return requireRow(throughput, { ...HEADLINE, tasks })
}

/** One grant at a time, and nothing of it shared with another. */
function alone(throughput: readonly ThroughputRow[]): ThroughputRow {
  return requireRow(throughput, { ...HEADLINE, inFlight: 1, tasks: 'repeated' })
}

function requireRow(
  throughput: readonly ThroughputRow[],
  wanted: Pick<ThroughputRow, 'stsMs' | 'inFlight' | 'tasks'>,
): ThroughputRow {
  const row = throughput.find(
    ({ stsMs, inFlight, tasks }) => stsMs === wanted.stsMs && inFlight === wanted.inFlight && tasks === wanted.tasks,
  )
  if (!row) throw new Error(`the row of throughput with ${JSON.stringify(wanted)} is not there`)
  return row
}

/** What could be done if one core did one after the other and nothing else. */
function inTurn(ceilings: readonly Ceiling[]): Ceiling {
  const together = (pick: (ceiling: Ceiling) => number) => 1 / ceilings.reduce((sum, each) => sum + 1 / pick(each), 0)
  return { perSecond: together((each) => each.perSecond), perCpuSecond: together((each) => each.perCpuSecond) }
}

function fixed(value: number, digits: number): string {
  return value.toFixed(digits)
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
