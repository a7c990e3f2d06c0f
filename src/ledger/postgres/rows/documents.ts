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

export function hashOfDecision(decision: Decision): string {
  const known = hashes.get(decision)
  if (known !== undefined) return known
  const hash = sha256Hex(textOfDecision(decision))
  hashes.set(decision, hash)
  return hash
}

export function textOfDecision(decision: Decision): string {
  return canonicalJson(decision as unknown as Json)
}

const COLUMNS = [
  { name: 'hash', type: 'bytea', of: ({ hash }: StoredDocument) => toBytes(hash), fixed: true },
  { name: 'body', type: 'text', of: ({ body }: StoredDocument) => body },
] as const

/** Whoever wants a plan whole has it whole, though it was kept by its hash before. */
export const planWriter = tableWriter<StoredDocument>('plans', 'hash', COLUMNS, {
  onConflict: `ON CONFLICT (hash) DO UPDATE SET body = excluded.body WHERE plans.body = '' AND excluded.body <> ''`,
})

export const decisionWriter = tableWriter<StoredDocument>('decisions', 'hash', COLUMNS, {
  onConflict: 'ON CONFLICT (hash) DO NOTHING',
})
