/** The JSON form of a record: dates as text, the rest as it is. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { -readonly [Key in keyof T]: Wire<T[Key]> }
      : T

/** A record as JSON: dates become RFC 3339 UTC with milliseconds, undefined fields are left out. */
export function wire<T>(value: T): Wire<T> {
  return JSON.parse(JSON.stringify(value))
}
