/** One request as the practice cloud saw it; no secrets. */
export interface CallRecord {
  readonly at: Date
  readonly service: string
  /** e.g. `AssumeRole`, `GetObject`; '' when the request did not get that far. */
  readonly action: string
  /** `ok`, AWS's error code, or `fault:KIND` where no answer went out. */
  readonly outcome: string
  readonly accessKeyId?: string
  readonly callerArn?: string
  /** Role ARN, policy ARN, or `bucket/key`. */
  readonly resource?: string
}

/** The latest calls and a count of all of them. */
export class CallLog {
  #records: CallRecord[] = []
  #counts = new Map<string, number>()

  add(record: CallRecord): void {
    const key = `${record.service}:${record.action} ${record.outcome}`
    if (this.#counts.has(key) || this.#counts.size < 1_000) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    this.#records.push(record)
    if (this.#records.length > 2 * KEPT) this.#records = this.#records.slice(-KEPT)
  }

  /** Oldest first; at least the last 10,000. */
  all(): CallRecord[] {
    return [...this.#records]
  }

  /** How often each `service:action outcome` was seen, also those that have left the list. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }

  clear(): void {
    this.#records = []
    this.#counts.clear()
  }
}

const KEPT = 10_000
