import type { Correlation } from '../../../core/correlation.ts'
import { type ErrorCode, type ErrorDetails, StintError } from '../../../core/errors.ts'
import type { UnitName } from './write-units.ts'

/** All that the thread needs to open its connection. */
export interface ThreadData {
  readonly path: string
  /** The process, which its chain is named after. */
  readonly replica: string
  readonly maxUnregistered: number
  readonly maxBytes?: number
  readonly maxBatch: number
}

/** One write on its way to the thread. */
export interface SentWrite {
  readonly name: UnitName
  readonly input: unknown
  readonly call: Correlation | undefined
}

/** To the thread: the writes of one commit, or that there will be no more. */
export type ToThread = { readonly writes: readonly SentWrite[] } | { readonly close: true }

/** The end of one write. */
export type Outcome = { readonly value: unknown } | { readonly error: SentError }

/** From the thread: it has opened the file, or the end of every write of a message, in the same order. */
export type FromThread =
  | { readonly opened: true }
  | {
      readonly outcomes: readonly Outcome[]
      /** Seconds of the commit; missing when there was none. */
      readonly seconds?: number
      readonly rows: readonly RowNews[]
    }

/** A row that cannot be read, `<kind>:<id>`, or without `error` one that can again. */
export interface RowNews {
  readonly row: string
  readonly error?: SentError
}

/** A `StintError` as data: a copy would be an `Error` without code and details. */
export interface SentError {
  readonly code: ErrorCode
  readonly details: ErrorDetails
  readonly cause?: unknown
}

/** The error as data. What caused it is for the log alone, so it may lose its own fields. */
export function toSentError({ code, details, cause }: StintError): SentError {
  return { code, details, ...(cause === undefined ? {} : { cause: cause instanceof Error ? cause : String(cause) }) }
}

/** The error that `toSentError` took apart. */
export function fromSentError({ code, details, cause }: SentError): StintError {
  return new StintError(code, details, cause)
}
