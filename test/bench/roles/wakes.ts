import type { BrokerServiceClient as BrokerClient } from '../../../src/contract/gen/stint/v1/BrokerService.ts'
import { benchTask } from '../bench-grants.ts'

/** The calls of an agent at two brokers on one ledger. */
export interface TwoBrokers {
  readonly here: BrokerClient
  readonly there: BrokerClient
}

const CALL_MS = 20_000

/**
 * How long it takes, again and again, until who watches a grant at one broker has its new state, from the call at the other broker
 * that changes it: the call's own commit is in it.
 *
 * @returns milliseconds
 */
export async function timeWakes({ here, there }: TwoBrokers, rounds: number): Promise<number[]> {
  const took: number[] = []
  for (let round = 0; round < rounds; round += 1) took.push(await timeOne({ here, there }, round))
  return took
}

async function timeOne({ here, there }: TwoBrokers, round: number): Promise<number> {
  const request = { task: benchTask(round), idempotencyKey: `bench-wake-${process.pid}-${Date.now()}-${round}` }
  const deadline = () => ({ deadline: Date.now() + CALL_MS })
  const grantId = await new Promise<string>((resolve, reject) => {
    here.RequestGrant(request, deadline(), (error, answer) =>
      error ? reject(error) : resolve(answer?.grant?.id ?? ''),
    )
  })
  const watch = here.WatchGrant({ grantId }, deadline())
  const seen = watch[Symbol.asyncIterator]()
  try {
    await seen.next()
    const beganMs = performance.now()
    const completed = new Promise<void>((resolve, reject) => {
      there.CompleteGrant({ grantId }, deadline(), (error) => (error ? reject(error) : resolve()))
    })
    await seen.next()
    const tookMs = performance.now() - beganMs
    await completed
    return tookMs
  } finally {
    watch.cancel()
  }
}
