import { type Refusal, RefusalLog } from '../ledger/refusal-log.ts'
import type { Metrics } from './metrics.ts'

/** A refusal log that counts all refusals, also those that the record has only as a sum. */
export class CountedRefusals extends RefusalLog {
  readonly #metrics: Metrics

  constructor(input: ConstructorParameters<typeof RefusalLog>[0], metrics: Metrics) {
    super(input)
    this.#metrics = metrics
  }

  override note(refusal: Refusal): Promise<void> {
    const at = refusal.operation.startsWith('connection') ? refusal.operation : 'call'
    this.#metrics.refusals.inc({ at, code: refusal.code })
    return super.note(refusal)
  }
}
