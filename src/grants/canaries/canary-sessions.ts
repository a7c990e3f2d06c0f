import type { Clock } from '../../core/clock.ts'
import type { Canaries, CanaryAnswer, CanaryRole } from '../../credentials/canary.ts'
import type { StartOwnSession } from '../../credentials/own-session.ts'
import type { CredentialProvider } from '../../credentials/provider.ts'
import { NO_LABELS } from '../../plan/labels/labels.ts'
import { createPlanner } from '../../plan/planner.ts'

/** The subject of canaries' sessions. No agent can have it: it is neither a SPIFFE ID nor a subject of an issuer. */
export const CANARY_SUBJECT = 'stint:canary'

/** Longer than a proof takes; then the session ends by itself. */
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
export interface CanarySessionParts {
  readonly canaries: Canaries
  readonly clock: Clock
  readonly start: StartOwnSession
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

  /** @param chosen id of its grant, if a document names it already @throws {StintError} as a mint */
  async start(
    denyList: string,
    role: CanaryRole,
    chosen: string | undefined,
    signal: AbortSignal,
  ): Promise<CanarySession> {
    const { canaries, clock, start } = this.#parts
    const endsAtMs = clock.monotonicMs() + LEASE_MS
    const plan = this.#planner.plan(CANARY_SUBJECT, {
      purpose: `Show whether the deny list of Stint is in force: ${denyList}`.slice(0, 500),
      roleArn: role.roleArn,
      access: [role.access],
      ttlSeconds: PLANNED_SECONDS,
    })
    const mint: CredentialProvider['mint'] = (request, stop) => canaries.mint(denyList, request, stop)
    const { lease, credentials } = await start(
      { ...(chosen !== undefined && { grantId: chosen }), denyList, plan, leaseMs: LEASE_MS, mint },
      signal,
    )
    return {
      grantId: lease.grantId,
      notAfter: lease.notAfter,
      endsAtMs,
      look: (stop) => canaries.look(role, credentials, stop),
    }
  }
}
