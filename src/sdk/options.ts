import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, systemClock } from '../core/clock.ts'
import { StintError } from '../core/errors.ts'
import type { Timing } from './backoff.ts'
import { requireSpiffeId } from './server-identity.ts'
import type { SvidFiles } from './svid-source.ts'

/** Gives a JWT-SVID for one call. It is asked before every call and every retry, since a token may be good only once. */
export type TokenSource = () => Promise<string>

/** What a client needs. */
export interface StintClientOptions {
  /** `host:port` of the broker. */
  readonly address: string
  /** SPIFFE ID that the broker must prove, e.g. `spiffe://example.org/stint`. It takes the place of the host name check. */
  readonly serverId: string
  readonly svid: SvidFiles
  /** Needed where there is no certificate; where there are both, they must name the same agent. */
  readonly token?: TokenSource
  /** For a call without a deadline of its own, retries included; 10,000 if left out; 1 to 3,600,000. */
  readonly defaultDeadlineMs?: number
  /** For tests. */
  readonly clock?: Clock
  /** For tests: 0 to 1, spreads retries. */
  readonly random?: () => number
}

/** Of one call. */
export interface CallSettings {
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

/** @throws {StintError} CONFIG_INVALID, SPIFFE_ID_INVALID */
export function checkOptions(options: StintClientOptions): void {
  const { address, serverId, svid, token, defaultDeadlineMs = 10_000 } = options
  if (!/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.test(address)) {
    throw invalid(`The broker's address must be host:port; got ${JSON.stringify(address)}.`)
  }
  requireSpiffeId(serverId)
  if ((svid.certificateFile === undefined) !== (svid.privateKeyFile === undefined)) {
    throw invalid('The SVID certificate and its private key go together: give both files or neither.')
  }
  if (svid.certificateFile === undefined && !token) {
    throw invalid('An agent needs an identity: give SVID certificate and key files, a token source, or both.')
  }
  if (!(defaultDeadlineMs >= 1 && defaultDeadlineMs <= 3_600_000)) {
    throw invalid('defaultDeadlineMs must be between 1 and 3,600,000.')
  }
}

/** The clocks and the dice of one client. */
export function timingOf({ clock, random = Math.random }: StintClientOptions): Timing {
  return { clock: clock ?? systemClock, backgroundClock: clock ?? unheldClock, random }
}

const unheldClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => delay(ms, undefined, { ref: false, ...(signal && { signal }) }),
}

function invalid(explanation: string): StintError {
  return new StintError('CONFIG_INVALID', { explanation })
}
