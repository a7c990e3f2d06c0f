import type { Clock } from '../../core/clock.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import type { CanaryAnswer } from '../../credentials/canary.ts'
import type { CanarySession } from './canary-sessions.ts'

/** Refusals in a row: the hosts of a service learn of a new document one after the other. */
const REFUSALS = 3
/** Looks in a row that say nothing before a canary counts as not working. */
const MAX_FAILURES = 4
/** From then on a document that is not in force is a problem. */
const LATE_MS = 60_000
/** The last look is so long before the session's own end. */
const MARGIN_MS = 60_000
/** The cloud's Date, which has whole seconds, may be so far behind the clock of its policies. */
const CLOUD_MARGIN_MS = 5_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 5_000
/** After so many looks the ledger is asked whether the document has been written anew. */
const LOOKS_BETWEEN_READS = 5
/** Looks at the first pace. */
const QUICK_LOOKS = 20

/** The reason why a canary proves nothing if all of its sessions are refused. */
export const REFUSED_WITHOUT_DENY = 'Its role is refused the read even in a session that the deny list does not name.'

/** Dependencies of a proof. */
export interface ProofParts {
  readonly clock: Clock
  readonly denyList: string
  /** A session that the document does not name: it is allowed as long as the canary works. */
  readonly control: () => Promise<CanarySession>
  /** Another one, since the one of before may have been cut or be too old. */
  readonly freshControl: () => Promise<CanarySession>
  /** True once another process has written the document, which need not name the session any more. */
  readonly isReplaced: () => Promise<boolean>
  /** Told once when the document is late. */
  readonly onLate: (error: StintError) => void
}

/** The session that a document names is refused for good. */
interface Refusal {
  /** Since when, on the monotonic clock. */
  readonly sinceMs: number
  /** The cloud's time of the last refusal. */
  readonly at: Date
}

/**
 * Looks through a session that the document names until it is refused, while one that it does not name is still allowed.
 *
 * @throws {StintError} CANARY_UNUSABLE: nothing is known of the document; DENY_LIST_LATE: it is not in force after minutes;
 *   ReplacedError; CANCELLED.
 */
export async function proveDocument(parts: ProofParts, named: CanarySession, signal: AbortSignal): Promise<Refusal> {
  const { at, sinceMs } = await waitForRefusal(parts, named, signal)
  // P6: refused by its own end, the session would prove nothing. Our clock may be astray; the cloud's is what counts.
  if (!at || at.getTime() + CLOUD_MARGIN_MS >= named.notAfter.getTime())
    throw unusable(parts.denyList, 'By the clock of the cloud, its session may have come to its own end.')
  const isAllowed = async (session: CanarySession) => (await lookSurely(parts, session, signal)).allowed
  if (await isAllowed(await parts.control())) return { at, sinceMs }
  if (await isAllowed(await parts.freshControl())) return { at, sinceMs }
  throw unusable(parts.denyList, REFUSED_WITHOUT_DENY)
}

async function waitForRefusal(
  parts: ProofParts,
  named: CanarySession,
  signal: AbortSignal,
): Promise<CanaryAnswer & Pick<Refusal, 'sinceMs'>> {
  const { clock, denyList, onLate } = parts
  const startedMs = clock.monotonicMs()
  let refusals = 0
  let sinceMs = startedMs
  let isLate = false
  for (let look = 1; ; look++) {
    const answer = await lookSurely(parts, named, signal)
    const nowMs = clock.monotonicMs()
    refusals = answer.allowed ? 0 : refusals + 1
    if (refusals === 1) sinceMs = nowMs
    if (refusals >= REFUSALS) return { ...answer, sinceMs }
    if (look % LOOKS_BETWEEN_READS === 0 && (await parts.isReplaced())) throw new ReplacedError(denyList)
    if (nowMs >= named.endsAtMs - MARGIN_MS) throw late(denyList, nowMs - startedMs)
    if (!isLate && nowMs - startedMs >= LATE_MS) {
      isLate = true
      onLate(late(denyList, nowMs - startedMs))
    }
    await pause(clock, look, signal)
  }
}

/** The first answer to a look. @throws {StintError} CANARY_UNUSABLE after several without one; CANCELLED */
export async function lookSurely(
  { clock, denyList }: Pick<ProofParts, 'clock' | 'denyList'>,
  { look }: CanarySession,
  signal: AbortSignal,
): Promise<CanaryAnswer> {
  for (let failures = 1; ; failures++) {
    try {
      return await look(signal)
    } catch (thrown) {
      const error = asStintError(thrown)
      if (signal.aborted || error.code === 'CANCELLED') throw error
      if (failures >= MAX_FAILURES) throw unusable(denyList, `Its read fails: ${error.message}`, error)
    }
    await pause(clock, QUICK_LOOKS + 2 * failures, signal)
  }
}

/** Another process has written the document and proves its own write; this proof is given up. */
export class ReplacedError extends StintError {
  constructor(denyList: string) {
    super('LEDGER_CONFLICT', { denyList, explanation: `Another process has written deny list ${denyList} meanwhile.` })
  }
}

function pause(clock: Clock, look: number, signal: AbortSignal): Promise<void> {
  const slower = Math.max(0, look - QUICK_LOOKS)
  return clock.sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * (1 + slower)), signal)
}

function late(denyList: string, ms: number): StintError {
  const seconds = Math.round(ms / 1_000)
  const explanation = `Deny list ${denyList} was written, and ${seconds} s later the canary that it denies is still allowed: what it denies still works until its leases end. Check that the role of the canary is under this list, and whether the cloud reports an outage.`
  return new StintError('DENY_LIST_LATE', { explanation, denyList })
}

/** @param why a sentence */
export function unusable(denyList: string, why: string, cause?: StintError): StintError {
  const explanation = `The canary of deny list ${denyList} does not work, so the settle time counts until it does. ${why}`
  return new StintError('CANARY_UNUSABLE', { explanation, denyList }, cause)
}
