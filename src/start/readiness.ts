import type { ErrorCode } from '../core/errors.ts'
import type { Reloading } from '../core/files/reloading.ts'
import type { PartHealth } from '../core/health/part-health.ts'
import type { Problem } from '../core/health/problem-board.ts'

/** Why a good request would not be served, as one part says it. */
export interface NotReady {
  readonly code: ErrorCode
  readonly explanation: string
  /** Default: when the part first said so. */
  readonly since?: Date
  /** True if probes let calls through all the same, since only a call can show that it is over. Default false. */
  readonly takesCalls?: boolean
}

/** The same with the part that says it. */
export interface UnreadyPart extends NotReady {
  readonly part: string
  readonly since: Date
}

/** The first problem on the status that fits, as a reason not to be ready. */
export function problemReason(
  partHealth: Pick<PartHealth, 'problems'>,
  fits: (problem: Problem) => boolean,
): NotReady | undefined {
  const found = partHealth.problems().find(fits)
  if (!found) return undefined
  const { code, explanation, since } = found
  return { code, explanation, since }
}

/** The reason while nothing of a followed source has ever loaded: what is wrong with it. */
export function nothingLoaded({ status }: Pick<Reloading<unknown>, 'status'>): NotReady | undefined {
  if (status.value !== undefined) return undefined
  const { error, since } = status.problem ?? {}
  if (!error) return { code: 'POLICY_UNAVAILABLE', explanation: 'It has not been loaded yet.' }
  return { code: error.code, explanation: error.message, ...(since && { since }) }
}
