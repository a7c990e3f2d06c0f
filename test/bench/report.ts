import Table from 'cli-table3'
import type { AddedLatency } from './parts/added-latency.ts'
import type { Ceiling, Ceilings } from './parts/ceilings.ts'
import type { Expiry } from './parts/expiry.ts'
import type { ManyGrants } from './parts/many-grants.ts'
import { HEADLINE, type ThroughputRow } from './parts/throughput.ts'

/** All that the bench has found. */
export interface Findings {
  readonly throughput: readonly ThroughputRow[]
  readonly ceilings: Ceilings
  readonly addedLatency: AddedLatency
  readonly manyGrants: ManyGrants
  readonly expiry: Expiry
}

/** The figures that the project holds itself to, and what bounds them. */
export interface Figures {
  readonly grants_per_second: number
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
}

export function figuresOf(findings: Findings): Figures {
  const { ceilings, addedLatency, manyGrants, expiry } = findings
  return {
    grants_per_second: round(headline(findings).perSecond, 0),
    added_p50_ms: round(addedLatency.addedP50Ms, 2),
    added_p99_ms: round(addedLatency.addedP99Ms, 2),
    slowdown_at_1m: round(manyGrants.slowdown, 3),
    expiry_lateness_p99_ms: round(expiry.p99Ms, 0),
    ready_ms_at_1m: round(manyGrants.readyMs, 0),
    rss_mb_at_100k: round(manyGrants.rssMb, 0),
    grpc_echo_per_second: round(ceilings.grpcEcho.perSecond, 0),
    durable_commits_per_second: round(ceilings.durableCommits.perSecond, 0),
    sts_client_per_second: round(ceilings.stsClient.perSecond, 0),
  }
}

/**
 * Three tables: every row of throughput, the shares of the ceilings, the figures beside their targets.
 *
 * @param judged whether to say which targets are reached.
 */
export function reportText(findings: Findings, judged: boolean): string {
  return [throughputTable(findings), ceilingTable(findings), figureTable(findings, judged)].join('\n\n')
}

function throughputTable({ throughput }: Findings): string {
  const table = newTable(['STS', 'in flight', 'tasks', 'grants/s', 'grants/CPU s', 'p50', 'p99'])
  for (const { stsMs, inFlight, tasks, perSecond, perCpuSecond, p50Ms, p99Ms } of throughput) {
    table.push([`${stsMs} ms`, inFlight, tasks, fixed(perSecond, 0), fixed(perCpuSecond, 0), ms(p50Ms), ms(p99Ms)])
  }
  return table.toString()
}

function ceilingTable(findings: Findings): string {
  const { grpcEcho, durableCommits, stsClient } = findings.ceilings
  const { perSecond, perCpuSecond } = headline(findings)
  const table = newTable(['alone on the core', 'per s', 'per CPU s', 'grants/s are', 'by CPU'])
  const rows: [string, Ceiling][] = [
    ['gRPC echo over the same listener', grpcEcho],
    ['ledger: opened and issued, durable', durableCommits],
    ['STS client', stsClient],
    ['the three in turn', inTurn([grpcEcho, durableCommits, stsClient])],
  ]
  for (const [name, ceiling] of rows) {
    table.push([
      name,
      fixed(ceiling.perSecond, 0),
      fixed(ceiling.perCpuSecond, 0),
      percent(perSecond / ceiling.perSecond),
      percent(perCpuSecond / ceiling.perCpuSecond),
    ])
  }
  return table.toString()
}

function figureTable(findings: Findings, judged: boolean): string {
  const figures = figuresOf(findings)
  const { manyGrants, expiry, addedLatency } = findings
  const many = manyGrants.grants.toLocaleString('en')
  const rows: [string, number, number, '<=' | '>=', string][] = [
    [`grants/s, ${HEADLINE.inFlight} in flight, STS ${HEADLINE.stsMs} ms`, figures.grants_per_second, 600, '>=', ''],
    ['added p50 at 200/s over STS 20 ms', figures.added_p50_ms, 3, '<=', 'ms'],
    ['added p99', figures.added_p99_ms, 15, '<=', 'ms'],
    [`slower at ${many} live grants`, figures.slowdown_at_1m * 100, 10, '<=', '%'],
    [`lateness p99 of ${expiry.grants} expiries at once`, figures.expiry_lateness_p99_ms, 1_000, '<=', 'ms'],
    [`ready at ${many} live grants`, figures.ready_ms_at_1m, 2_000, '<=', 'ms'],
    [
      `resident at ${manyGrants.memoryGrants.toLocaleString('en')} live grants`,
      figures.rss_mb_at_100k,
      250,
      '<=',
      'MB',
    ],
  ]
  const table = newTable(['figure', 'found', 'target', ''])
  for (const [name, found, target, sense, unit] of rows) {
    const reached = sense === '<=' ? found <= target : found >= target
    const sign = sense === '<=' ? 'at most' : 'at least'
    table.push([
      name,
      `${round(found, 1)} ${unit}`,
      `${sign} ${target} ${unit}`,
      judged ? (reached ? 'reached' : 'NOT REACHED') : 'not judged',
    ])
  }
  const notes = [
    `STS alone at 200/s: p50 ${ms(addedLatency.stsP50Ms)}, p99 ${ms(addedLatency.stsP99Ms)}; added is beyond that p50.`,
    `Slower by CPU: ${percent(manyGrants.slowdownByCpu)}. Ready on an empty ledger: ${fixed(manyGrants.emptyReadyMs, 0)} ms, start of Node included.`,
    `Expiries: ${expiry.ended} of ${expiry.grants} ended, p50 ${fixed(expiry.p50Ms, 0)} ms. Filling took ${fixed(manyGrants.fillSeconds, 0)} s.`,
  ]
  return [table.toString(), ...notes].join('\n')
}

function headline({ throughput }: Findings): ThroughputRow {
  const row = throughput.find(({ stsMs, inFlight }) => stsMs === HEADLINE.stsMs && inFlight === HEADLINE.inFlight)
  if (!row) throw new Error('the row of the headline is not there')
  return row
}

/** What could be done if one core did one after the other and nothing else. */
function inTurn(ceilings: readonly Ceiling[]): Ceiling {
  const together = (pick: (ceiling: Ceiling) => number) => 1 / ceilings.reduce((sum, each) => sum + 1 / pick(each), 0)
  return { perSecond: together((each) => each.perSecond), perCpuSecond: together((each) => each.perCpuSecond) }
}

function newTable(head: string[]) {
  return new Table({ head, style: { head: [], border: [] } })
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
