import type { Clock } from '../core/clock.ts'
import type { Problem } from '../core/health/problem-board.ts'
import { TokenBucket } from '../core/limits/token-bucket.ts'
import { type AuditEventInput, auditEvent } from '../ledger/events/audit-event.ts'
import type { LedgerWrites } from '../ledger/ledger.ts'

/** A problem is told once it has lasted so long, and as over once it has been away so long. */
const LASTING_MS = 30_000
/** A part that breaks and works by turns must not fill the record. */
const EVENTS = { ratePerSecond: 1 / 60, burst: 20 } as const
const MAX_EXPLANATION = 500

interface Told {
  readonly since: Date
  /** When it was first found away. */
  awaySince?: number
}

/** Dependencies of the watch. */
export interface PartWatchParts {
  readonly ledger: Pick<LedgerWrites, 'appendEvents'>
  readonly clock: Clock
  readonly replica: string
  readonly problems: () => readonly Problem[]
}

/** Puts on record what is wrong with this process, and when it is over. */
export class PartWatch {
  readonly #parts: PartWatchParts
  readonly #told = new Map<string, Told>()
  readonly #bucket: TokenBucket

  constructor(parts: PartWatchParts) {
    this.#parts = parts
    this.#bucket = new TokenBucket({ clock: parts.clock, ...EVENTS })
  }

  /** Looks at the problems of now. What could not be put on record is tried again with the next look. */
  async look(): Promise<void> {
    const now = this.#parts.clock.now()
    const broken = new Map(
      this.#parts
        .problems()
        .flatMap((problem) => (problem.finding === undefined ? [[problem.component, problem]] : [])),
    )
    for (const problem of broken.values()) await this.#lookAtProblem(problem, now)
    for (const [part, told] of this.#told) if (!broken.has(part)) await this.#lookAtAway(part, told, now)
  }

  async #lookAtProblem({ component: part, code, explanation, since }: Problem, now: Date): Promise<void> {
    const told = this.#told.get(part)
    if (told) return void delete told.awaySince
    if (now.getTime() - since.getTime() < LASTING_MS) return
    const data = { part, code, explanation: cut(explanation), since: since.toISOString(), replica: this.#parts.replica }
    if (await this.#tell(auditEvent('part.broken', { at: now, actor: 'stint', data }))) this.#told.set(part, { since })
  }

  async #lookAtAway(part: string, told: Told, now: Date): Promise<void> {
    told.awaySince ??= now.getTime()
    if (now.getTime() - told.awaySince < LASTING_MS) return
    const brokenSeconds = Math.max(0, Math.round((told.awaySince - told.since.getTime()) / 1_000))
    const data = { part, since: told.since.toISOString(), brokenSeconds, replica: this.#parts.replica }
    if (await this.#tell(auditEvent('part.recovered', { at: now, actor: 'stint', data }))) this.#told.delete(part)
  }

  /** @returns false while there were too many lately */
  async #tell(event: AuditEventInput): Promise<boolean> {
    if (!this.#bucket.tryTake()) return false
    await this.#parts.ledger.appendEvents([event])
    return true
  }
}

function cut(text: string): string {
  return text.length > MAX_EXPLANATION ? text.slice(0, MAX_EXPLANATION) : text
}
