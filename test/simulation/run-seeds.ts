import type { Outcome } from './world.ts'
import { World } from './world.ts'

/** One line of a worker: a seed that broke a promise, or the sums of all of them. */
export type RunLine =
  | { readonly broken: Pick<Outcome, 'seed' | 'faults'> & { readonly why: string } }
  | { readonly sums: Sums }

/** What a number of simulations came to. */
export interface Sums {
  readonly seeds: number
  readonly grants: number
  readonly sessions: number
  readonly crashes: number
  readonly steps: number
  readonly virtualHours: number
}

/** Runs every `stride`-th seed from one to another until the time is up. @returns false if a promise was broken */
async function runSeeds(options: { from: number; to: number; stride: number; seconds: number }): Promise<boolean> {
  const { from, to, stride, seconds } = options
  const endMs = performance.now() + seconds * 1_000
  let isWell = true
  let sums: Sums = { seeds: 0, grants: 0, sessions: 0, crashes: 0, steps: 0, virtualHours: 0 }
  for (let seed = from; seed <= to && performance.now() < endMs; seed += stride) {
    const { broken, faults, ...outcome } = await new World(seed).run()
    sums = {
      seeds: sums.seeds + 1,
      grants: sums.grants + outcome.grants,
      sessions: sums.sessions + outcome.sessions,
      crashes: sums.crashes + outcome.crashes,
      steps: sums.steps + outcome.steps,
      virtualHours: sums.virtualHours + outcome.virtualMs / 3_600_000,
    }
    if (!broken) continue
    isWell = false
    print({ broken: { seed, faults, why: broken.message } })
  }
  print({ sums })
  return isWell
}

function print(line: RunLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** One seed with every step. @returns false if a promise was broken */
async function trace(seed: number): Promise<boolean> {
  const { broken } = await new World(seed, { trace: (line) => process.stdout.write(`${line}\n`) }).run()
  return broken === undefined
}

const [from = '1', to = '1', stride = '1', seconds = '90'] = process.argv.slice(2)
const { SEED } = process.env
const isWell = SEED
  ? await trace(Number(SEED))
  : await runSeeds({ from: Number(from), to: Number(to), stride: Number(stride), seconds: Number(seconds) })
// Processes of the broker that died in a simulation leave timers behind.
process.exit(isWell ? 0 : 1)
