import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { RunLine, Sums } from './run-seeds.ts'
import { World } from './world.ts'

const RUNNER = fileURLToPath(new URL('run-seeds.ts', import.meta.url))
const SEEDS = Number(process.env.STINT_SIMULATION_SEEDS ?? 2_000)
const FIRST = Number(process.env.STINT_SIMULATION_FIRST ?? 1)
/** A machine that is too slow for all seeds runs fewer of them. */
const SECONDS = Number(process.env.STINT_SIMULATION_SECONDS ?? 75)
const REPEAT = 'SEED=%d npm run simulate'

interface Report {
  readonly sums: Sums[]
  readonly broken: string[]
  readonly errors: string
}

test('P1 P2 P3 P5 P6 P7 P8 P9 P10 P15: whatever the seed lets happen, in whatever order, the promises hold', {
  timeout: 60_000 + SECONDS * 2_000,
}, async () => {
  const workers = Math.min(4, availableParallelism())
  const reports = await Promise.all(Array.from({ length: workers }, (_, n) => runWorker(FIRST + n, workers)))
  expect(reports.flatMap(({ broken }) => broken)).toEqual([])
  expect(reports.map(({ errors }) => errors).join('')).toBe('')
  const sums = reports.flatMap((report) => report.sums)
  const total = (name: keyof Sums) => Math.round(sums.reduce((sum, one) => sum + one[name], 0))
  process.stdout.write(
    `simulated: ${total('seeds')} of ${SEEDS} seeds, ${total('virtualHours')} hours, ${total('grants')} grants, ${total('sessions')} sessions, ${total('crashes')} crashes, ${total('steps')} steps\n`,
  )
  expect(total('seeds')).toBeGreaterThan(0)
})

test('the same seed is the same simulation, step by step', async () => {
  expect(await traceSeed(3)).toEqual(await traceSeed(3))
})

async function traceSeed(seed: number): Promise<string[]> {
  const lines: string[] = []
  await new World(seed, { trace: (line) => lines.push(line) }).run()
  return lines
}

/** Seeds take one core each, so every core has a process. */
async function runWorker(from: number, stride: number): Promise<Report> {
  const numbers = [from, FIRST + SEEDS - 1, stride, SECONDS].map(String)
  const worker = spawn(process.execPath, [RUNNER, ...numbers], { stdio: ['ignore', 'pipe', 'pipe'] })
  const report = { sums: [] as Sums[], broken: [] as string[], errors: '' }
  worker.stderr.on('data', (chunk) => {
    report.errors += chunk
  })
  const ended = new Promise((resolve) => worker.once('close', resolve))
  for await (const text of createInterface({ input: worker.stdout })) {
    const line = JSON.parse(text) as RunLine
    if ('sums' in line) report.sums.push(line.sums)
    else
      report.broken.push(
        `seed ${line.broken.seed}: ${line.broken.why} (repeat: ${REPEAT.replace('%d', String(line.broken.seed))})`,
      )
  }
  await ended
  if (report.sums.length === 0) report.errors ||= 'a worker ended before it told its sums'
  return report
}
