import { DENY_PROOFS, type DenyEntry, type DenyList, type DenyProof } from '../../records.ts'
import {
  type Flag,
  integer,
  knownState,
  type Ms,
  optionalFlag,
  optionalInstant,
  present,
  toInstant,
  toValidInstant,
} from '../../row-values.ts'
import type { ReadableDenyList } from '../../rules/deny-list-rules.ts'
import { parseCut } from '../../stored-cuts.ts'
import { parseDocuments } from '../../stored-deny-documents.ts'

/** A row of `SELECT_DENY_ENTRY`. */
export interface DenyEntryRow {
  row_id: number
  grant_row_id: number
  grant_id: string | null
  list_key: string | null
  list_row_id: number
  wanted_at: number
  until: number
  last_issued_at: number
  written_at: Ms
  enforced_at: Ms
  agent: string | null
  names_agent: Flag
  chains: Flag
  urgent: Flag
  by_watermark: Flag
  enforced_by: DenyProof | null
  hold_id: string | null
}

/** A deny entry with the id and the agent of its grant and the key of its list. */
export const SELECT_DENY_ENTRY = `SELECT d.n AS row_id, d.grant_n AS grant_row_id, g.id AS grant_id, l.list_key,
  d.list_n AS list_row_id, d.wanted_at, d.until, d.last_issued_at, d.written_at, d.enforced_at, s.text AS agent,
  d.names_agent, d.chains, d.urgent, d.by_watermark, d.enforced_by, d.hold_id FROM deny_entries d
  LEFT JOIN grants g ON g.n = d.grant_n LEFT JOIN deny_lists l ON l.n = d.list_n LEFT JOIN names s ON s.n = g.subject_n`

/** @throws {Error} for a damaged row */
export function toDenyEntry(row: DenyEntryRow): DenyEntry {
  return {
    grantId: present(row.grant_id, 'grant'),
    listKey: present(row.list_key, 'list_key'),
    wantedAt: toInstant(row.wanted_at),
    until: toInstant(row.until),
    lastIssuedAt: toInstant(row.last_issued_at),
    ...(row.agent === null ? {} : { agent: row.agent }),
    ...optionalFlag('namesAgent', row.names_agent === 1),
    // Before this was on record, an entry lasted so long exactly when its sessions could chain.
    ...optionalFlag(
      'chains',
      row.chains === null ? row.until - row.last_issued_at > LONGEST_UNCHAINED_MS : row.chains === 1,
    ),
    ...optionalFlag('urgent', row.urgent === 1),
    ...(row.hold_id === null ? {} : { holdId: row.hold_id }),
    ...optionalInstant('writtenAt', row.written_at),
    ...optionalFlag('byWatermark', row.by_watermark === 1),
    ...optionalInstant('enforcedAt', row.enforced_at),
    ...(row.enforced_by === null ? {} : { enforcedBy: knownState(row.enforced_by, DENY_PROOFS) }),
  }
}

const LONGEST_UNCHAINED_MS = 1_800_000

/** A row of `SELECT_DENY_LIST`. */
export interface DenyListRow {
  row_id: number
  list_key: string
  next_attempt_at: Ms
  attempts: number
  last_error: string | null
  last_written_at: Ms
  watermark: Ms
  claimed_by: string | null
  claimed_until: Ms
  claim_version: number
  written_digest: string | null
  written_sequence: number | null
  opened_version: number | null
  failing_since: Ms
  documents: string | null
  cut: string | null
}

/** A deny list with its row number. */
export const SELECT_DENY_LIST = `SELECT n AS row_id, list_key, next_attempt_at, attempts, last_error, last_written_at, watermark,
  claimed_by, claimed_until, claim_version, written_digest, written_sequence,
  opened_version, failing_since, documents, cut FROM deny_lists`

/** @throws {Error} for a damaged row */
export function toDenyList(row: DenyListRow): DenyList {
  return {
    key: row.list_key,
    ...optionalInstant('nextAttemptAt', row.next_attempt_at),
    attempts: integer(row.attempts),
    ...(row.last_error === null ? {} : { lastError: row.last_error }),
    ...optionalInstant('failingSince', row.failing_since),
    ...optionalInstant('lastWrittenAt', row.last_written_at),
    ...(row.written_digest === null || row.written_sequence === null
      ? {}
      : { written: { digest: row.written_digest, sequence: integer(row.written_sequence) } }),
    ...(row.documents === null ? {} : { documents: parseDocuments(row.documents) }),
    ...optionalInstant('watermark', row.watermark),
    ...(row.cut === null ? {} : { cut: parseCut(row.cut) }),
    ...(row.claimed_by === null ? {} : { claimedBy: row.claimed_by }),
    ...optionalInstant('claimedUntil', row.claimed_until),
    claimVersion: integer(row.claim_version),
    ...(row.opened_version === null ? {} : { openedVersion: integer(row.opened_version) }),
  }
}

/** The readable part of a damaged deny list; `undefined` is what is lost, `null` what it never had. */
export function toReadableDenyList(row: DenyListRow): ReadableDenyList {
  return {
    key: row.list_key,
    claimVersion: Number.isSafeInteger(row.claim_version) ? row.claim_version : undefined,
    watermark: row.watermark === null ? null : toValidInstant(row.watermark),
  }
}
