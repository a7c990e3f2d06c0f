import type { Clock } from '../../core/clock.ts'
import type { Canaries, CanaryAnswer, CanaryRole } from '../../credentials/canary.ts'
import { NO_LABELS } from '../../plan/labels/labels.ts'
import { createPlanner } from '../../plan/planner.ts'
import { CANARY_SUBJECT, mintForItself, type OwnGrantParts } from './own-grant.ts'

/** Longer than a proof takes; the session of the broker's own ends by itself. */
const LEASE_MS = 300_000
const PLANNED_SECONDS = LEASE_MS / 1_000

/** A session of a canary role, whose credentials are in memory alone. */
export interface CanarySession {
  readonly grantId: string
  /** From then on its session policy denies everything. */
  readonly notAfter: Date
  /** The same on the monotonic clock, which nobody can step. */
  readonly endsAtMs: number
  readonly look: (signal: AbortSignal) => Promise<CanaryAnswer>
}

/** Dependencies of canaries' sessions. */
export interface CanarySessionParts extends OwnGrantParts {
  readonly canaries: Canaries
  readonly clock: Clock
}

/** Starts sessions of canary roles, each on record beforehand. */
export class CanarySessions {
  readonly #parts: CanarySessionParts
  readonly #planner = createPlanner({
    labels: NO_LABELS,
    roles: { get: () => ({}) },
    limits: { minTtlSeconds: PLANNED_SECONDS, maxTtlSeconds: PLANNED_SECONDS },
  })

  constructor(parts: CanarySessionParts) {
    this.#parts = parts
  }

  /** @throws {StintError} as a mint */
  async start(denyList: string, role: CanaryRole, grantId: string, signal: AbortSignal): Promise<CanarySession> {
    const { canaries, clock } = this.#parts
    const endsAtMs = clock.monotonicMs() + LEASE_MS
    const plan = this.#planner.plan(CANARY_SUBJECT, {
      purpose: `Show whether the deny list of Stint is in force: ${denyList}`.slice(0, 500),
      roleArn: role.roleArn,
      access: [role.access],
      ttlSeconds: PLANNED_SECONDS,
    })
    const { lease, credentials } = await mintForItself(
      this.#parts,
      { grantId, denyList, plan, leaseMs: LEASE_MS, mint: (request, stop) => canaries.mint(denyList, request, stop) },
      signal,
    )
    return {
      grantId,
      notAfter: lease.notAfter,
      endsAtMs,
      look: (stop) => canaries.look(role, credentials, stop),
    }
  }
}
