import { canonicalJson, type Json, sha256Hex } from '../../../core/canonical-json.ts'
import type { Decision } from '../../../policy/decision.ts'
import { toBytes } from './bytes.ts'
import { tableWriter } from './table-spec.ts'

/** A text that many rows share, under its hash. */
export interface StoredDocument {
  readonly hash: string
  /** Empty for a plan of which only the hash is kept. */
  readonly body: string
}

const hashes = new WeakMap<Decision, string>()

/** SHA-256 of `toDecisionText`, in hex; computed once for each object. */
export function hashDecision(decision: Decision): string {
  const known = hashes.get(decision)
  if (known !== undefined) return known
  const hash = sha256Hex(toDecisionText(decision))
  hashes.set(decision, hash)
  return hash
}

/** Canonical JSON. */
export function toDecisionText(decision: Decision): string {
  return canonicalJson(decision as unknown as Json)
}

const COLUMNS = [
  { name: 'hash', type: 'bytea', of: ({ hash }: StoredDocument) => toBytes(hash), fixed: true },
  { name: 'body', type: 'text', of: ({ body }: StoredDocument) => body },
] as const

/** Writes plans. A plan of which only the hash was kept is filled in once somebody stores it whole. */
export const planWriter = tableWriter<StoredDocument>('plans', 'hash', COLUMNS, {
  onConflict: `ON CONFLICT (hash) DO UPDATE SET body = excluded.body WHERE plans.body = '' AND excluded.body <> ''`,
})

/** Writes decisions; one that is there already stays. */
export const decisionWriter = tableWriter<StoredDocument>('decisions', 'hash', COLUMNS, {
  onConflict: 'ON CONFLICT (hash) DO NOTHING',
})
