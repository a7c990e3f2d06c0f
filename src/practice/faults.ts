import { StintError } from '../core/errors.ts'

/**
 * The fault of a call, after its signature was checked.
 * - `throttle`, `error500`, `access_denied`: that answer, no effect
 * - `latency`: waits `ms` by the clock, then goes on
 * - `hang`: never answers, no effect; `hang_after_effect`: never answers, effect
 * - `reset`: the connection ends, no effect; `reset_after_effect`: the connection ends, effect
 */
export type FaultKind = (typeof FAULT_KINDS)[number]

/** See `FaultKind`. */
export const FAULT_KINDS = [
  'throttle',
  'error500',
  'access_denied',
  'latency',
  'hang',
  'hang_after_effect',
  'reset',
  'reset_after_effect',
] as const

/** The calls that a fault hits. `times` bounds how often; without it, until it is taken back. */
export interface Fault {
  readonly service: 'sts' | 'iam' | 's3'
  /** e.g. `AssumeRole`; absent for every call of the service. */
  readonly action?: string
  /** e.g. a role's ARN: only calls whose resource is this one. */
  readonly resource?: string
  readonly kind: FaultKind
  /** For `latency`: 0 to 600000. */
  readonly ms?: number
  readonly times?: number
}

/** The faults that are set, in order; a latency may stand beside one of the others. */
export class Faults {
  #entries: { readonly fault: Fault; left: number }[] = []

  /** @returns takes this fault back. @throws {StintError} REQUEST_INVALID. */
  set(fault: Fault): () => void {
    if (!FAULT_KINDS.includes(fault.kind)) throw invalid(`The kind must be one of ${FAULT_KINDS.join(', ')}.`)
    if (!['sts', 'iam', 's3'].includes(fault.service)) throw invalid('The service must be sts, iam or s3.')
    if (
      fault.kind === 'latency' &&
      !(Number.isInteger(fault.ms) && Number(fault.ms) >= 0 && Number(fault.ms) <= 600_000)
    )
      throw invalid('A latency needs ms from 0 to 600000.')
    if (fault.times !== undefined && !(Number.isInteger(fault.times) && fault.times > 0))
      throw invalid('The field times must be a positive whole number.')
    if (this.#entries.length >= 100) throw invalid('At most 100 faults can be set at a time.')
    const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY }
    this.#entries.push(entry)
    return () => {
      this.#entries = this.#entries.filter((other) => other !== entry)
    }
  }

  clear(): void {
    this.#entries = []
  }

  /** Uses up one turn of the faults that hit this call. */
  take(call: { readonly service: string; readonly action: string; readonly resource?: string | undefined }): {
    latencyMs: number
    kind: Exclude<FaultKind, 'latency'> | undefined
  } {
    let latencyMs = 0
    let kind: Exclude<FaultKind, 'latency'> | undefined
    if (this.#entries.length === 0) return { latencyMs, kind }
    for (const entry of this.#entries) {
      const { fault } = entry
      if (
        fault.service !== call.service ||
        (fault.action ?? call.action) !== call.action ||
        (fault.resource ?? call.resource) !== call.resource
      )
        continue
      if (fault.kind === 'latency') latencyMs += fault.ms ?? 0
      else if (kind === undefined) kind = fault.kind
      else continue
      entry.left--
    }
    this.#entries = this.#entries.filter((entry) => entry.left > 0)
    return { latencyMs, kind }
  }
}

function invalid(explanation: string): StintError {
  return new StintError('REQUEST_INVALID', { explanation })
}
