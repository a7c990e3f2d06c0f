import type { ApprovalState, EndReason, Grant, GrantState } from './records.ts'

/*
 * States that came after the first release. The columns of both stores take the first ones only, and a broker of the version before
 * must read something that it knows and that is safe: it reads them as `rejected`. The exact state is in a column that such a
 * broker only shows (`reason` of a grant) or does not read (`exact_state` of an approval). Both are final, so no broker of any
 * version ever writes them again.
 */

/** The reason beside `rejected` by which a withdrawn grant is told from one that a person rejected. */
const WITHDRAWN = 'withdrawn'

/** A row of a grant that is withdrawn; partial indexes in the migrations say the same. */
export const IS_WITHDRAWN = `g.reason = '${WITHDRAWN}'`

/** The state that a grant's column `state` holds, which is also the one that the counters are kept by. */
export function toStoredState(state: GrantState): GrantState {
  return state === 'withdrawn' ? 'rejected' : state
}

/** The value of a grant's column `reason`. */
export function toStoredReason({ state, reason }: Pick<Grant, 'state' | 'reason'>): string | null {
  return state === 'withdrawn' ? WITHDRAWN : (reason ?? null)
}

/** State and reason of a grant by its columns. */
export function fromStoredState(
  state: GrantState,
  reason: string | null,
): { readonly state: GrantState; readonly reason?: EndReason } {
  if (state === 'rejected' && reason === WITHDRAWN) return { state: 'withdrawn' }
  return reason === null ? { state } : { state, reason: reason as EndReason }
}

/** Counters by stored state, and how many of the rejected grants are withdrawn ones, as counters by exact state. */
export function toExactCounts(
  stored: Readonly<Record<GrantState, number>>,
  withdrawn: number,
): Record<GrantState, number> {
  return { ...stored, rejected: stored.rejected - withdrawn, withdrawn }
}

/** The values of an approval's columns `state` and `exact_state`. */
export function toStoredApprovalState(state: ApprovalState): {
  readonly state: ApprovalState
  readonly exact: ApprovalState | null
} {
  return state === 'withdrawn' || state === 'voided' ? { state: 'rejected', exact: state } : { state, exact: null }
}
