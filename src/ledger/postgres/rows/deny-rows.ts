import { DENY_PROOFS, type DenyAgentWatermark, type DenyEntry, type DenyList, type DenyProof } from '../../records.ts'
import {
  integer,
  knownState,
  type Ms,
  optional,
  optionalFlag,
  optionalInstant,
  present,
  toInstant,
  toMs,
  toMsOrNull,
  toValidInstant,
} from '../../row-values.ts'
import type { ReadableDenyList } from '../../rules/deny-list-rules.ts'
import { cutText, parseCut } from '../../stored-cuts.ts'
import { claimsText, documentsText, parseClaims, parseDocuments } from '../../stored-deny-documents.ts'
import { tableWriter } from './table-spec.ts'

/** A row of `SELECT_DENY_ENTRY`. */
export interface DenyEntryRow {
  /** As the entry has it, whether or not the grant is there. */
  readonly entry_id: string
  readonly grant_id: string | null
  readonly agent: string | null
  readonly list_key: string
  readonly wanted_at: number
  readonly until: number
  readonly last_issued_at: number
  readonly names_agent: boolean
  readonly chains: boolean
  readonly urgent: boolean
  readonly written_at: Ms
  readonly by_watermark: boolean
  readonly enforced_at: Ms
  readonly enforced_by: DenyProof | null
  readonly hold_id: string | null
}

/** A deny entry with the agent of its grant. */
export const SELECT_DENY_ENTRY = `SELECT e.grant_id AS entry_id, g.id AS grant_id, g.subject AS agent, e.list_key, e.wanted_at, e.until,
  e.last_issued_at, e.names_agent, e.chains, e.urgent, e.written_at, e.by_watermark, e.enforced_at, e.enforced_by, e.hold_id
  FROM deny_entries e LEFT JOIN grants g ON g.id = e.grant_id`

/** @throws {Error} for a row whose grant is missing, or that holds an impossible value */
export function toDenyEntry(row: DenyEntryRow): DenyEntry {
  return {
    grantId: present(row.grant_id, 'grant'),
    listKey: row.list_key,
    wantedAt: toInstant(row.wanted_at),
    until: toInstant(row.until),
    lastIssuedAt: toInstant(row.last_issued_at),
    ...optional('agent', row.agent),
    ...optionalFlag('namesAgent', row.names_agent),
    ...optionalFlag('chains', row.chains),
    ...optionalFlag('urgent', row.urgent),
    ...optional('holdId', row.hold_id),
    ...optionalInstant('writtenAt', row.written_at),
    ...optionalFlag('byWatermark', row.by_watermark),
    ...optionalInstant('enforcedAt', row.enforced_at),
    ...(row.enforced_by === null ? {} : { enforcedBy: knownState(row.enforced_by, DENY_PROOFS) }),
  }
}

/** Writes deny entries. */
export const denyEntryWriter = tableWriter<DenyEntry>('deny_entries', 'grant_id', [
  { name: 'grant_id', type: 'text', of: ({ grantId }) => grantId, fixed: true },
  { name: 'list_key', type: 'text', of: ({ listKey }) => listKey },
  { name: 'wanted_at', type: 'bigint', of: ({ wantedAt }) => toMs(wantedAt) },
  { name: 'until', type: 'bigint', of: ({ until }) => toMs(until) },
  { name: 'last_issued_at', type: 'bigint', of: ({ lastIssuedAt }) => toMs(lastIssuedAt) },
  { name: 'names_agent', type: 'boolean', of: ({ namesAgent = false }) => namesAgent },
  { name: 'chains', type: 'boolean', of: ({ chains = false }) => chains },
  { name: 'urgent', type: 'boolean', of: ({ urgent = false }) => urgent },
  { name: 'written_at', type: 'bigint', of: ({ writtenAt }) => toMsOrNull(writtenAt) },
  { name: 'by_watermark', type: 'boolean', of: ({ byWatermark = false }) => byWatermark },
  { name: 'enforced_at', type: 'bigint', of: ({ enforcedAt }) => toMsOrNull(enforcedAt) },
  { name: 'enforced_by', type: 'text', of: ({ enforcedBy = null }) => enforcedBy },
  { name: 'hold_id', type: 'text', of: ({ holdId = null }) => holdId },
])

/** A row of `SELECT_DENY_LIST`. */
export interface DenyListRow {
  readonly list_key: string
  readonly next_attempt_at: Ms
  readonly attempts: number
  readonly last_error: string | null
  readonly failing_since: Ms
  readonly last_written_at: Ms
  readonly written_digest: string | null
  readonly written_sequence: number | null
  readonly watermark: Ms
  readonly claimed_by: string | null
  readonly claimed_until: Ms
  readonly claim_version: number
  readonly opened_version: number | null
  readonly documents: string | null
  readonly claims: string | null
  readonly cut: string | null
}

/** Deny lists, with the alias `l`. */
export const SELECT_DENY_LIST = `SELECT l.list_key, l.next_attempt_at, l.attempts, l.last_error, l.failing_since, l.last_written_at,
  l.written_digest, l.written_sequence, l.watermark, l.claimed_by, l.claimed_until, l.claim_version, l.opened_version, l.documents,
  l.claims, l.cut FROM deny_lists l`

/** @throws {Error} for a row that holds an impossible value */
export function toDenyList(row: DenyListRow): DenyList {
  return {
    key: row.list_key,
    ...optionalInstant('nextAttemptAt', row.next_attempt_at),
    attempts: integer(row.attempts),
    ...optional('lastError', row.last_error),
    ...optionalInstant('failingSince', row.failing_since),
    ...optionalInstant('lastWrittenAt', row.last_written_at),
    ...(row.written_digest === null || row.written_sequence === null
      ? {}
      : { written: { digest: row.written_digest, sequence: integer(row.written_sequence) } }),
    ...(row.documents === null ? {} : { documents: parseDocuments(row.documents) }),
    ...optionalInstant('watermark', row.watermark),
    ...(row.cut === null ? {} : { cut: parseCut(row.cut) }),
    ...optional('claimedBy', row.claimed_by),
    ...optionalInstant('claimedUntil', row.claimed_until),
    claimVersion: integer(row.claim_version),
    ...(row.opened_version === null ? {} : { openedVersion: integer(row.opened_version) }),
    ...(row.claims === null ? {} : { claims: parseClaims(row.claims) }),
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

/** Writes deny lists, but for `opened_version`: only the opening of a ledger writes that. */
export const denyListWriter = tableWriter<DenyList>('deny_lists', 'list_key', [
  { name: 'list_key', type: 'text', of: ({ key }) => key, fixed: true },
  { name: 'next_attempt_at', type: 'bigint', of: ({ nextAttemptAt }) => toMsOrNull(nextAttemptAt) },
  { name: 'attempts', type: 'bigint', of: ({ attempts }) => attempts },
  { name: 'last_error', type: 'text', of: ({ lastError = null }) => lastError },
  { name: 'failing_since', type: 'bigint', of: ({ failingSince }) => toMsOrNull(failingSince) },
  { name: 'last_written_at', type: 'bigint', of: ({ lastWrittenAt }) => toMsOrNull(lastWrittenAt) },
  { name: 'written_digest', type: 'text', of: ({ written }) => written?.digest ?? null },
  { name: 'written_sequence', type: 'bigint', of: ({ written }) => written?.sequence ?? null },
  { name: 'watermark', type: 'bigint', of: ({ watermark }) => toMsOrNull(watermark) },
  { name: 'claimed_by', type: 'text', of: ({ claimedBy = null }) => claimedBy },
  { name: 'claimed_until', type: 'bigint', of: ({ claimedUntil }) => toMsOrNull(claimedUntil) },
  { name: 'claim_version', type: 'bigint', of: ({ claimVersion }) => claimVersion },
  { name: 'documents', type: 'text', of: ({ documents }) => documentsText(documents) },
  { name: 'claims', type: 'text', of: ({ claims }) => claimsText(claims) },
  { name: 'cut', type: 'text', of: ({ cut }) => cutText(cut) },
])

/** A row of `deny_agents`: the watermark of one agent on one list. */
export interface DenyAgentRow {
  readonly agent: string
  readonly before: number
}

/** @throws {Error} for a row that holds an impossible instant */
export function toDenyAgent({ agent, before }: DenyAgentRow): DenyAgentWatermark {
  return { agent, before: toInstant(before) }
}
