import { writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { type BenchRun, startAround } from './bench-run.ts'
import { setBenchStage } from './bench-stage.ts'
import { measureAddedLatency } from './parts/added-latency.ts'
import { measureCeilings } from './parts/ceilings.ts'
import { measureExpiry } from './parts/expiry.ts'
import { measureManyGrants } from './parts/many-grants.ts'
import { measureThroughput } from './parts/throughput.ts'
import { CLIENT_CORE, canPin, endAll, SERVER_CORE } from './pinned-process.ts'
import { type Findings, figuresOf, reportText } from './report.ts'
import type { Scale } from './scale.ts'

/** Runs every part one after the other, prints the tables, and writes the JSON where it is wanted. */
export async function runBench(options: { scale: Scale; outFile?: string | undefined }): Promise<void> {
  const startedMs = performance.now()
  const say = (line: string) => console.error(`[${seconds(startedMs)} s] ${line}`)
  const machine = describeMachine()
  console.log(`${machine}\nload at the start: ${loadText()}`)
  const stage = await setBenchStage()
  try {
    const run: BenchRun = { ...(await startAround()), stage, scale: options.scale, say }
    const findings: Findings = {
      throughput: await measureThroughput(run),
      ceilings: await measureCeilings(run),
      addedLatency: await measureAddedLatency(run),
      expiry: await measureExpiry(run),
      manyGrants: await measureManyGrants(run),
    }
    const figures = figuresOf(findings)
    assertNumbers(figures)
    console.log(reportText(findings, options.scale.name !== 'smoke'))
    console.log(`load at the end: ${loadText()}; scale ${options.scale.name}, ${seconds(startedMs)} s`)
    if (options.outFile) {
      const out = {
        scale: options.scale.name,
        machine,
        load: loadavg(),
        at: new Date().toISOString(),
        figures,
        findings,
      }
      await writeFile(options.outFile, `${JSON.stringify(out, null, 2)}\n`)
    }
  } finally {
    await endAll()
    await stage.remove()
  }
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
