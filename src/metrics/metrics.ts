import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** From a memory access to a call that hangs. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** From IAM's best to a deny that is stuck. */
const DENY_SECONDS = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3_600]
const UNITS = [1, 2, 4, 8, 16, 32, 64]

/** Figures that are read when somebody asks for them. */
export type Gather = (gauges: Gauges) => Promise<void> | void

/** Figures that are set rather than counted up. */
export type Gauges = ReturnType<typeof createGauges>

/**
 * All figures of the broker, in Prometheus's terms: base units, a closed set of values for every label, never an agent, a task
 * or an ARN as one.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #gauges: Gauges
  readonly #gather: Gather[] = []
  /** Calls that a caller made, by operation: seconds, and how each ended (`ok` or a code of the error catalogue). */
  readonly calls
  /** Calls of the broker's own on its ledger and its provider. */
  readonly ledger
  readonly mints
  readonly aws
  readonly denies
  readonly refusals
  readonly watches
  readonly notices

  /** @param version goes into `stint_build_info`. */
  constructor({ version }: { readonly version: string }) {
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry })
    this.#gauges = createGauges(registers)
    this.#gauges.build.set({ version }, 1)
    this.calls = callMetrics(registers)
    this.ledger = ledgerMetrics(registers)
    this.aws = awsMetrics(registers)
    this.mints = new Histogram({
      ...{ registers, name: 'stint_mint_seconds', labelNames: ['outcome'], buckets: SECONDS },
      help: 'How long it took to mint the credentials of a lease, retries included, by outcome: minted, not_minted, unknown.',
    })
    this.denies = new Histogram({
      ...{ registers, name: 'stint_deny_enforced_seconds', labelNames: ['by'], buckets: DENY_SECONDS },
      help: 'From the write of a deny until it counted as in force, by what showed it.',
    })
    this.refusals = new Counter({
      ...{ registers, name: 'stint_refusals_total', labelNames: ['at', 'code'] },
      help: 'Callers that were turned away before a call did anything, at a connection or at a call, by error code.',
    })
    this.notices = new Counter({
      ...{ registers, name: 'stint_notices_total', labelNames: ['endpoint', 'outcome'] },
      help: 'Attempts to send notices that have ended, by endpoint and outcome: delivered, failed, gone, dead, dropped.',
    })
    this.watches = new Gauge({
      ...{ registers, name: 'stint_watches' },
      help: 'Open streams of agents that watch a grant.',
    })
  }

  /** A commit of the ledger with the writes that shared it. */
  committed({ writes, seconds, waiting }: { writes: number; seconds: number; waiting: number }): void {
    this.ledger.commitSeconds.observe(seconds)
    this.ledger.commitWrites.observe(writes)
    this.ledger.waiting.set(waiting)
  }

  /** `gather` is called at each scrape. */
  onScrape(gather: Gather): void {
    this.#gather.push(gather)
  }

  /** The media type of `text`. */
  get contentType(): string {
    return this.#registry.contentType
  }

  /** All figures as Prometheus reads them. A source that fails leaves its figures out, and the others in. */
  async text(): Promise<string> {
    this.#gauges.scrapeFailures.set(0)
    for (const gather of this.#gather) {
      try {
        await gather(this.#gauges)
      } catch {
        // The status says what is wrong with the source; here it is counted.
        this.#gauges.scrapeFailures.inc()
      }
    }
    return this.#registry.metrics()
  }
}

function callMetrics(registers: Registry[]) {
  return {
    ended: new Counter({
      ...{ registers, name: 'stint_calls_total', labelNames: ['edge', 'operation', 'code'] },
      help: 'Calls of agents (edge grants) and of operators (edge operators) that have ended, by error code or ok.',
    }),
    seconds: new Histogram({
      ...{ registers, name: 'stint_call_seconds', labelNames: ['edge', 'operation'], buckets: SECONDS },
      help: 'How long calls of agents and operators took.',
    }),
    requests: new Counter({
      ...{ registers, name: 'stint_grant_requests_total', labelNames: ['state'] },
      help: 'Requests for a grant that were answered, by the state of the grant in the answer.',
    }),
  }
}

function ledgerMetrics(registers: Registry[]) {
  return {
    failures: new Counter({
      ...{ registers, name: 'stint_ledger_failures_total', labelNames: ['operation', 'code'] },
      help: 'Reads and writes of the ledger that failed, by error code.',
    }),
    seconds: new Histogram({
      ...{ registers, name: 'stint_ledger_write_seconds', labelNames: ['operation'], buckets: SECONDS },
      help: 'How long writes took until they were durable, waiting included.',
    }),
    commitSeconds: new Histogram({
      ...{ registers, name: 'stint_ledger_commit_seconds', buckets: SECONDS },
      help: 'How long commits took, each with all writes that shared it.',
    }),
    commitWrites: new Histogram({
      ...{ registers, name: 'stint_ledger_commit_writes', buckets: UNITS },
      help: 'How many writes shared a commit.',
    }),
    conflicts: new Counter({
      ...{ registers, name: 'stint_ledger_conflicts_total' },
      help: 'Commits of the ledger that collided with those of another broker and were tried again.',
    }),
    waiting: new Gauge({
      ...{ registers, name: 'stint_ledger_waiting_writes' },
      help: 'Writes that waited for the next commit when the last one had ended.',
    }),
  }
}

function awsMetrics(registers: Registry[]) {
  return {
    ended: new Counter({
      ...{ registers, name: 'stint_aws_calls_total', labelNames: ['service', 'operation', 'account', 'code'] },
      help: 'Calls to AWS that have ended after all their tries, by error code or ok. Account other: not named in the settings.',
    }),
    failedTries: new Counter({
      ...{ registers, name: 'stint_aws_failed_tries_total', labelNames: ['service', 'fault'] },
      help: 'Single tries of calls to AWS that failed, by kind of fault.',
    }),
  }
}

function createGauges(registers: Registry[]) {
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ registers, name, help, labelNames })
  return {
    build: gauge('stint_build_info', 'Always 1; the label says which version runs.', 'version'),
    killsInForce: gauge('stint_kills_in_force', 'Scopes that the kill switch holds: nothing is given out there.'),
    ready: gauge('stint_ready', '1 while a good request would be served, else 0.'),
    notReadyReason: gauge(
      'stint_not_ready_reason',
      '1 for each reason why a good request would not be served.',
      'part',
      'code',
    ),
    problems: gauge('stint_problems', 'Problems on the status, by the kind of part.', 'part'),
    grants: gauge('stint_grants', 'Grants on record, by state.', 'state'),
    denyListsFailing: gauge('stint_deny_lists_failing', 'Deny lists whose last write failed.'),
    denyFailingSeconds: gauge(
      'stint_deny_failing_seconds',
      'How long the deny list that has failed longest has failed.',
    ),
    ledgerBytes: gauge('stint_ledger_bytes', 'Size of the ledger on disk, by file.', 'file'),
    ledgerFreeBytes: gauge('stint_ledger_free_bytes', 'Space left for the ledger on its file system.'),
    ledgerReplicas: gauge('stint_ledger_replicas', 'Brokers that have the ledger open.'),
    ledgerListening: gauge('stint_ledger_listening', '1 while changes of other brokers are heard at once, else 0.'),
    ledgerClockOffset: gauge(
      'stint_ledger_clock_offset_seconds',
      "This machine's clock minus that of the ledger's database.",
    ),
    clockOffset: gauge('stint_clock_offset_seconds', "This machine's clock minus AWS's, by its last answer."),
    scrapeFailures: gauge('stint_scrape_failures', 'Sources of figures that could not be read for this scrape.'),
  }
}
