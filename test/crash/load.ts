import { eventually } from '../support/eventually.ts'
import type { CrashStage } from './crash-stage.ts'

/** Four agents' worth of work at once, each going through whole lives of grants until the broker is gone. */
export class Load {
  readonly keys = new Set<string>()
  readonly revoked = new Set<string>()
  readonly #stage: CrashStage
  #stopped = false

  constructor(stage: CrashStage) {
    this.#stage = stage
  }

  async run(): Promise<void> {
    await Promise.all([0, 1, 2, 3].map((worker) => this.#work(worker)))
  }

  stop(): void {
    this.#stopped = true
  }

  async #work(worker: number): Promise<void> {
    const stage = this.#stage
    const isOver = () => this.#stopped || (stage.brokers.at(-1)?.gone.aborted ?? true)
    for (let n = 0; !isOver() && n < 200; n += 1) {
      const key = `load-${worker}-${n}-key`
      this.keys.add(key)
      const answer = await stage.request(key, n % 2 === 0 ? 'write' : 'read')
      if (!answer || isOver()) continue
      if (n % 3 === 0) await stage.renew(key, answer.grant.id)
      if (n % 3 === 1) await stage.complete(answer.grant.id)
      if (n % 3 === 2 && (await stage.revoke(answer.grant.id))) this.revoked.add(answer.grant.id)
    }
  }
}

/** After a restart every key that was ever used asks again and gets its one grant. */
export async function askAll(stage: CrashStage, keys: Iterable<string>): Promise<void> {
  for (const key of keys) await stage.request(key, Number(key.split('-')[2]) % 2 === 0 ? 'write' : 'read')
}

/** Until nothing that is denied waits for a write or for its grant's end. */
export async function settled(stage: CrashStage): Promise<void> {
  const vera = await stage.admin('vera')
  const look = async () => {
    const { items } = await vera.get('/v1/grants', { query: { state: 'ending', limit: 200 } })
    for (const { id } of items) {
      const { deny } = await vera.get('/v1/grants/{id}', { path: { id } })
      if (deny) return false
    }
    return true
  }
  await eventually('every deny in force', look, 120_000, 1_000)
}
