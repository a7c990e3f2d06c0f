import { asStintError, type ErrorCode, type ErrorDetails } from '../../core/errors.ts'
import type { ProbeResult } from '../../credentials/aws-sts/probes.ts'

/** One thing that the broker needs, looked at. */
export interface Check {
  /** e.g. `policy`, `bundle example.org`, `role arn:…` */
  readonly name: string
  readonly ok: boolean
  /** The finding, or what is wrong and what would be right. */
  readonly finding: string
  readonly code?: ErrorCode
}

/** Looks at one thing; what is thrown is what is wrong with it. */
export async function check(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, finding: await look() }
  } catch (thrown) {
    const { code, message } = asStintError(thrown)
    return { name, ok: false, finding: message, code }
  }
}

/** The same for a probe of AWS. */
export function probed(name: string, result: ProbeResult, found: (details: ErrorDetails) => string): Check {
  if (result.ok) return { name, ok: true, finding: found(result.details) }
  return { name, ok: false, finding: result.details.explanation ?? 'refused', code: result.code }
}
