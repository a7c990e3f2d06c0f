import type { NotReady } from './readiness.ts'

/** A part of the broker that has started. */
export interface Started<Value> {
  /** The value that the parts after it use. */
  readonly value: Value
  /** Ends all that the part began and waits for its work in hand. Called at most once. */
  readonly stop?: () => Promise<void> | void
  /** After this time the parts before it are stopped without waiting any longer. Default STOP_WITHIN_MS. */
  readonly stopWithinMs?: number
  /** Why a good request would fail because of this part; undefined while it would not. Must neither wait nor throw. */
  readonly notReady?: () => NotReady | undefined
}

/**
 * One part of the broker, e.g. the ledger or the admin API.
 *
 * @typeParam Needs the parts and surroundings that its start uses, by name. A list takes the part only after all of them,
 *   so that nothing can use a part that has not started.
 */
export interface Part<Name extends string, in Needs, Value> {
  /** Under this name later parts find the value; it is also in the log. */
  readonly name: Name
  /** Starts the part. If it throws, it leaves nothing running. */
  readonly start: (before: Needs) => Promise<Started<Value>> | Started<Value>
}

/** How long a part may take to stop, unless it says so itself. */
export const STOP_WITHIN_MS = 15_000

/** Defines a part; the name keeps its literal type. */
export function definePart<Name extends string, Needs, Value>(
  part: Part<Name, Needs, Value>,
): Part<Name, Needs, Value> {
  return part
}
