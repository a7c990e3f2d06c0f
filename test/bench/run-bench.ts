import { writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { type BenchRun, startAround } from './bench-run.ts'
import { setBenchStage } from './bench-stage.ts'
import { measureAddedLatency } from './parts/added-latency.ts'
import { measureCeilings } from './parts/ceilings.ts'
import { measureDrain } from './parts/drain.ts'
import { measureExpiry } from './parts/expiry.ts'
import { measureGate } from './parts/gate.ts'
import { measureIdentity } from './parts/identity.ts'
import { measureManyGrants } from './parts/many-grants.ts'
import { measurePlanSize } from './parts/plan-size.ts'
import { measurePostgres } from './parts/postgres.ts'
import { measureRevocation } from './parts/revocation.ts'
import { measureThroughput } from './parts/throughput.ts'
import { CLIENT_CORE, canPin, endAll, SERVER_CORE } from './pinned-process.ts'
import { type Findings, figuresOf, reportMarkdown, reportText } from './report.ts'
import { writePage } from './report-page.ts'
import type { Scale } from './scale.ts'

/** In the order in which they run. */
const PARTS: { readonly [Part in keyof Findings]: (run: BenchRun) => Promise<Findings[Part]> } = {
  throughput: measureThroughput,
  ceilings: measureCeilings,
  addedLatency: measureAddedLatency,
  expiry: measureExpiry,
  manyGrants: measureManyGrants,
  identity: measureIdentity,
  revocation: measureRevocation,
  planSize: measurePlanSize,
  drain: measureDrain,
  postgres: measurePostgres,
  gate: measureGate,
}

export interface BenchOptions {
  readonly scale: Scale
  readonly outFile?: string | undefined
  /** A Markdown page with the two marks of `writePage`. */
  readonly pageFile?: string | undefined
  /** Names of parts, with commas; all when absent. */
  readonly only?: string | undefined
}

/**
 * Runs every part one after the other, or one of them, prints the tables, and writes the JSON where it is wanted.
 *
 * @throws {Error} for a part that is not there.
 */
export async function runBench(options: BenchOptions): Promise<void> {
  const wanted = options.only?.split(',')
  const unknown = wanted?.find((name) => !Object.hasOwn(PARTS, name))
  if (unknown !== undefined) throw new Error(`no part ${unknown}; there are ${Object.keys(PARTS).join(', ')}`)
  const startedMs = performance.now()
  const say = (line: string) => console.error(`[${seconds(startedMs)} s] ${line}`)
  const machine = describeMachine()
  console.log(`${machine}\nload at the start: ${loadText()}`)
  const stage = await setBenchStage()
  try {
    const run: BenchRun = { ...(await startAround()), stage, scale: options.scale, say }
    const findings = await measureParts(run, wanted)
    const figures = figuresOf(findings)
    const isJudged = options.scale.name !== 'smoke'
    assertNumbers(figures)
    console.log(reportText(findings, isJudged))
    console.log(`load at the end: ${loadText()}; scale ${options.scale.name}, ${seconds(startedMs)} s`)
    const at = new Date().toISOString()
    if (options.outFile) {
      const out = { scale: options.scale.name, machine, load: loadavg(), at, figures, findings }
      await writeFile(options.outFile, `${JSON.stringify(out, null, 2)}\n`)
    }
    if (options.pageFile) {
      const head = `Measured on ${at.slice(0, 10)}, scale ${options.scale.name}: ${machine}. Load at the end: ${loadText()}.`
      await writePage(options.pageFile, `${head}\n\n${reportMarkdown(findings, isJudged)}`)
    }
  } finally {
    await endAll()
    await stage.remove()
  }
}

async function measureParts(run: BenchRun, wanted: readonly string[] | undefined): Promise<Partial<Findings>> {
  const findings: Record<string, unknown> = {}
  for (const [name, measurePart] of Object.entries(PARTS)) {
    if (wanted === undefined || wanted.includes(name)) findings[name] = await measurePart(run)
  }
  return findings as Partial<Findings>
}

function assertNumbers(figures: object): void {
  const broken = Object.entries(figures).filter(([, value]) => !Number.isFinite(value))
  if (broken.length > 0) throw new Error(`not a number: ${broken.map(([name]) => name).join(', ')}`)
}

function describeMachine(): string {
  const [cpu] = cpus()
  const pinned = canPin()
    ? `server on core ${SERVER_CORE}, client and STS stand-in on core ${CLIENT_CORE}`
    : 'processes not held to cores, since there is no taskset'
  return `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, Node ${process.version}; ${pinned}`
}

function loadText(): string {
  return loadavg()
    .map((value) => value.toFixed(2))
    .join(' ')
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1_000).toFixed(0)
}
