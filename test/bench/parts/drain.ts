import { type BenchRun, grantLoad, startBenchBroker } from '../bench-run.ts'

/** How a stop went for those who watched. */
export interface Drain {
  readonly watchers: number
  /** From the order to stop until the process had ended. */
  readonly ms: number
  /** Watchers whose stream ended with SHUTTING_DOWN. */
  readonly told: number
}

/** A broker that is stopped while many watch grants that nothing happens to. */
export async function measureDrain(run: BenchRun): Promise<Drain> {
  const { watchers } = run.scale
  run.say(`a stop with ${watchers} watchers`)
  const broker = await startBenchBroker(run, 'drain')
  await run.client.call('watch', { ...grantLoad(run, broker.address), watchers })
  const stoppedMs = performance.now()
  await broker.process.end()
  const ms = performance.now() - stoppedMs
  return { watchers, ms, told: await run.client.call<number>('told') }
}
