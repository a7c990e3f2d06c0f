import type { Readable } from 'node:stream'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { LedgerReads } from '../ledger.ts'
import { type ChainLink, sealedText } from './audit-log.ts'

const CHUNK = 500
/** Longer lines are refused rather than read into memory. */
const MAX_LINE = 1_048_576

/**
 * The whole audit log as JSON lines: one event a line in canonical JSON, and at the end `{"head":{"hash":…,"seq":…}}`, so
 * that an export that was cut short does not look whole.
 */
export async function* exportAudit(ledger: Pick<LedgerReads, 'auditEvents' | 'auditHead'>): AsyncGenerator<string> {
  const head = await ledger.auditHead()
  for (let afterSeq = 0; afterSeq < head.seq; ) {
    const events = await ledger.auditEvents({ afterSeq, limit: Math.min(CHUNK, head.seq - afterSeq) })
    if (events.length === 0) break
    for (const event of events) yield `${sealedText(event)}\n`
    afterSeq = events.at(-1)?.seq ?? head.seq
  }
  yield `${canonicalJson({ head: { ...head } })}\n`
}

/** The head line of an export, once it has been passed. */
export interface ExportEnd {
  head?: { readonly seq: number; readonly hash: string }
  /** What is wrong with the file beyond its events. */
  problem?: string
}

/** The events of an export as links; `end` is filled in as the last line is read. */
export async function* exportedLinks(input: Readable, end: ExportEnd): AsyncGenerator<() => ChainLink> {
  for await (const line of linesOf(input)) {
    if (end.head) {
      end.problem = 'The export goes on after its head line.'
      return
    }
    const head = headOf(line)
    if (head) end.head = head
    else yield () => linkOfLine(line)
  }
}

async function* linesOf(input: Readable): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of input) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer])
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      yield rest.subarray(0, at)
      rest = rest.subarray(at + 1)
    }
    if (rest.length > MAX_LINE) break
  }
  if (rest.length > 0) yield rest.subarray(0, MAX_LINE)
}

function headOf(line: Buffer): { seq: number; hash: string } | undefined {
  const match = /^\{"head":\{"hash":"([0-9a-f]{64})","seq":(0|[1-9]\d{0,14})\}\}$/.exec(
    line.subarray(0, 200).toString('latin1'),
  )
  return match && line.length < 200 ? { hash: match[1] ?? '', seq: Number(match[2]) } : undefined
}

/** The line has to be byte for byte the canonical JSON of what it says, and the hash over the rest of it. */
function linkOfLine(line: Buffer): ChainLink {
  const unreadable = {
    seq: -1,
    prevHash: '',
    hash: '',
    text: '',
    unreadable: 'A line is not an event as exports have it.',
  }
  try {
    const text = line.toString('utf8')
    const parsed: unknown = JSON.parse(text)
    if (parsed === null || typeof parsed !== 'object' || canonicalJson(parsed as never) !== text) return unreadable
    if (!Buffer.from(text).equals(line)) return unreadable
    const { hash, ...rest } = parsed as { hash?: unknown; seq?: unknown; prevHash?: unknown }
    if (typeof hash !== 'string' || typeof rest.seq !== 'number' || typeof rest.prevHash !== 'string') return unreadable
    return { seq: rest.seq, prevHash: rest.prevHash, hash, text: canonicalJson(rest as never) }
  } catch {
    return unreadable
  }
}
