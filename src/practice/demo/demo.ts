import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pc from 'picocolors'
import type { Stage } from '../stage/stage.ts'
import { DemoStage } from './demo-stage.ts'
import { type Narrator, playStory, StoryBroken } from './demo-story.ts'

const LIMIT_MS = 60_000

/** Options of a run of the demo. */
export interface DemoOptions {
  readonly write: (text: string) => void
  readonly color: boolean
  /** Ends the run before its end; everything is still cleaned up. */
  readonly signal: AbortSignal
  /** For tests: what to do to the stage before the story begins. */
  readonly onStage?: (stage: Stage) => void
}

/** Plays the demo and cleans up. @returns the exit code: 0 only if everything happened as it was told. */
export async function runDemo({ write, color, signal, onStage }: DemoOptions): Promise<number> {
  const paint = pc.createColors(color)
  const startedMs = performance.now()
  write(
    `${paint.bold('Stint demo. A practice stage on this machine, not AWS:')} S3, STS and IAM are a small stand-in that checks\n`,
  )
  write(
    'signatures and evaluates policies. The broker, mTLS, the Stint SDK and CLI, and the AWS SDK are the real ones.\n',
  )
  const page = new Page(write, paint)
  let demo: DemoStage | undefined
  try {
    demo = await DemoStage.open()
    onStage?.(demo.stage)
    await Promise.race([playStory(demo, page), aborted(signal)])
  } catch (error) {
    const said = error instanceof StoryBroken ? error.message : String(error instanceof Error ? error.stack : error)
    write(`\n${paint.red('The demo failed')} in step ${page.steps}: ${said}\n`)
    return 1
  } finally {
    await demo?.close()
  }
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
  write(
    `\n${paint.bold('That was Stint:')} ${page.steps} steps, ${page.seen} checks passed, in ${seconds} s; nothing is left running.\n`,
  )
  write('To play yourself: npm run dev, and "Five commands" in README.md.\n')
  return 0
}

class Page implements Narrator {
  steps = 0
  seen = 0
  readonly #write: (text: string) => void
  readonly #paint: ReturnType<typeof pc.createColors>

  constructor(write: (text: string) => void, paint: ReturnType<typeof pc.createColors>) {
    this.#write = write
    this.#paint = paint
  }

  step(title: string): void {
    this.steps += 1
    this.#write(`\n${this.#paint.bold(`${this.steps}. ${title}`)}\n`)
  }

  tell(text: string): void {
    this.#write(`   ${text}\n`)
  }

  worked(text: string): void {
    this.seen += 1
    this.#write(`   ${this.#paint.green('ok')}       ${text}\n`)
  }

  waits(text: string): void {
    this.seen += 1
    this.#write(`   ${this.#paint.cyan('waits')}    ${text}\n`)
  }

  refused(text: string): void {
    this.seen += 1
    this.#write(`   ${this.#paint.yellow('refused')}  ${text}\n`)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () =>
    reject(new StoryBroken(String(signal.reason instanceof Error ? signal.reason.message : signal.reason)))
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  return promise
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const stop = new AbortController()
  setTimeout(() => stop.abort(`it was not over after ${LIMIT_MS / 1_000} s`), LIMIT_MS).unref()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(`stopped by ${signal}`))
  const { stdout, env } = process
  process.exitCode = await runDemo({
    write: (text) => stdout.write(text),
    color: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    signal: stop.signal,
  })
}
