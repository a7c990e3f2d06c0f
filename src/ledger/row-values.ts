/*
 * A row may be damaged: each reader throws for a value that no record can have. Joins are outer ones, so that a row is found
 * even if the one that it refers to is gone.
 */

/** Milliseconds since 1970; null for an instant that is not set. */
export type Ms = number | null

/** 0 or 1; null in a row from before it was on record. */
export type Flag = number | null

/** A value that every whole row has. @throws {Error} when it is null */
export function present<T>(value: T | null, what: string): T {
  if (value === null) throw new Error(`its ${what} is not there`)
  return value
}

/** One of the states that records have. @throws {Error} for any other text */
export function knownState<State>(state: State, states: readonly State[]): State {
  if (!states.includes(state)) throw new Error(`${state} is not a state`)
  return state
}

/** A count, number or version. @throws {Error} for a fraction or a number out of range */
export function integer(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Error('a number is out of range')
  return value
}

/** A member that is `true` or missing, to be spread into a record. */
export function optionalFlag<Name extends string>(name: Name, value: boolean): { readonly [key in Name]?: true } {
  return (value ? { [name]: true } : {}) as { readonly [key in Name]?: true }
}

/** @throws {Error} for a number out of range */
export function toInstant(ms: number): Date {
  const at = toValidInstant(ms)
  if (!at) throw new Error('an instant is out of range')
  return at
}

/** As `toInstant`; undefined for a number out of range. */
export function toValidInstant(ms: number): Date | undefined {
  const at = new Date(ms)
  return Number.isNaN(at.getTime()) ? undefined : at
}

/** A member that is an instant or missing, to be spread into a record. @throws {Error} for a number out of range */
export function optionalInstant<Name extends string>(name: Name, ms: Ms): { readonly [key in Name]?: Date } {
  return (ms === null ? {} : { [name]: toInstant(ms) }) as { readonly [key in Name]?: Date }
}

/** Milliseconds of an instant. @throws {TypeError} for an invalid date */
export function toMs(at: Date): number {
  const ms = at.getTime()
  if (!Number.isSafeInteger(ms)) throw new TypeError('not an instant')
  return ms
}

/** As `toMs`; null for an instant that is not set. */
export function toMsOrNull(at: Date | null | undefined): Ms {
  return at ? toMs(at) : null
}

/** Lower-case hex; the bytes are not copied. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** A member that is there or missing, to be spread into a record. */
export function optional<Name extends string, T>(name: Name, value: T | null): { readonly [key in Name]?: T } {
  return (value === null ? {} : { [name]: value }) as { readonly [key in Name]?: T }
}
