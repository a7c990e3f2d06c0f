import type { StintError } from '../../core/errors.ts'
import type { DocumentDenies } from '../../credentials/provider.ts'
import type { DenyList } from '../../ledger/records.ts'
import { WithheldDocuments } from './deny-document.ts'

/** For so long after a write a read may still show the content of before, and a write that was given up may take effect. */
export const RECENT_MS = 60_000

/** A document that fails beside others that hold: it is left alone until its next attempt. */
export interface FailingDocument {
  readonly error: StintError
  /** Failed attempts in a row. */
  readonly attempts: number
  readonly retryAtMs: number
}

/** The digests of documents that were written within a minute. */
export class RecentWrites {
  readonly #untilMs = new Map<string, number>()

  add(key: string, digest: string, nowMs: number): void {
    for (const [known, untilMs] of this.#untilMs) if (untilMs < nowMs) this.#untilMs.delete(known)
    this.#untilMs.set(`${key} ${digest}`, nowMs + RECENT_MS)
  }

  has(key: string, digest: string, nowMs: number): boolean {
    return nowMs <= (this.#untilMs.get(`${key} ${digest}`) ?? Number.NEGATIVE_INFINITY)
  }
}

/** The memory of one process of deny documents between two passes. */
export class DenyMemory {
  /** Keys of lists that are being read or written. */
  readonly busy = new Set<string>()
  /** Keys of lists of which the pass under way has sent a write. */
  readonly sending = new Set<string>()
  readonly withheld = new WithheldDocuments()
  /** By key of a document: true once the cloud has shown it to this process; missing while nobody has asked. */
  readonly shown = new Map<string, boolean>()
  /** Keys of documents that were found changed, until they are found as they were left. */
  readonly changed = new Set<string>()
  /** By key of a document: the last write that was sent and is not on record. */
  readonly sent = new Map<string, NonNullable<DenyList['written']>>()
  readonly recent = new RecentWrites()
  /**
   * By key of a document of a list that has several: the sessions that it denied after the claim of that version. A later claim
   * of another process may have changed it.
   */
  readonly seen = new Map<string, { readonly denies: DocumentDenies; readonly claimVersion: number }>()
  readonly failing = new Map<string, FailingDocument>()
  /** Components whose problem lasts from pass to pass, until one finds it gone. */
  readonly told = new Set<string>()
}
