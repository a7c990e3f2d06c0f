import { hash } from 'node:crypto'
import { canonicalJson } from '../../../core/canonical-json.ts'
import type { DenyMark } from '../../../ledger/records.ts'
import type { DocumentDenies } from '../../provider.ts'
import { readDenies } from './document-denies.ts'

/** The content of a document of IAM, whoever wrote it. */
export interface DocumentContent {
  /** The same for documents that differ in white space, order, Sids or a list of one for a single value, and for no others. */
  readonly digest: string
  readonly mark?: DenyMark
  readonly denies: DocumentDenies
}

const MARK = /^Stint([0-9A-HJKMNP-TV-Z]{12})E(\d{1,15})S(\d{1,15})$/

/** A Sid has letters and digits only. */
export function markSid({ ledgerId, epoch, sequence }: DenyMark): string {
  return `Stint${ledgerId}E${epoch}S${sequence}`
}

/** Reads a document that anybody may have written. @param text as JSON; undefined where there is none */
export function readContent(text: string | undefined): DocumentContent {
  if (text === undefined) return { digest: NO_DOCUMENT, denies: readDenies([]) }
  const statements = parseStatements(text)
  if (!statements) return { digest: shortDigest(text), denies: readDenies([]) }
  const [mark] = statements.flatMap(({ Sid }) => readMark(Sid))
  const digest = shortDigest(canonicalJson(statements.map(toContent).sort()))
  return { digest, denies: readDenies(statements), ...(mark && { mark }) }
}

const NO_DOCUMENT = 'none'

function readMark(sid: unknown): DenyMark[] {
  const found = typeof sid === 'string' ? MARK.exec(sid) : null
  if (!found?.[1]) return []
  return [{ ledgerId: found[1], epoch: Number(found[2]), sequence: Number(found[3]) }]
}

function parseStatements(text: string): Record<string, unknown>[] | undefined {
  try {
    const { Statement } = JSON.parse(text) as { Statement?: unknown }
    const statements = [Statement].flat()
    return statements.every((one) => typeof one === 'object' && one !== null)
      ? (statements as Record<string, unknown>[])
      : undefined
  } catch {
    // Then it is somebody else's: its text is compared as it is.
    return undefined
  }
}

function toContent({ Sid: _, ...statement }: Record<string, unknown>): string {
  return canonicalJson(normalised(statement) as Parameters<typeof canonicalJson>[0])
}

/** A list's order means nothing in a policy, nor does a list of one. */
function normalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 1 ? normalised(value[0]) : value.map(normalised).sort()
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normalised(inner)]))
}

function shortDigest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32)
}
