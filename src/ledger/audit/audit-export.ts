import type { Readable } from 'node:stream'
import { canonicalJson } from '../../core/canonical-json.ts'
import type { LedgerReads } from '../ledger.ts'
import { isChainHead } from './chain-heads.ts'
import { type ChainHead, sealedText } from './sealed-event.ts'
import type { ChainLink, UnverifiedEvent } from './walk-chains.ts'

const CHUNK = 500
/** Longer lines are refused rather than read into memory. */
const MAX_LINE = 1_048_576

/**
 * The whole audit log as JSON lines: one event a line in canonical JSON, and at the end `{"heads":[…]}` with the last event
 * of every chain whose end no other chain names, so that an export that was cut short does not look whole.
 */
export async function* exportAudit(ledger: Pick<LedgerReads, 'auditEvents' | 'auditHeads'>): AsyncGenerator<string> {
  const { position, heads } = await ledger.auditHeads()
  for (let afterPosition = 0; afterPosition < position; ) {
    const page = await ledger.auditEvents({ afterPosition, limit: CHUNK })
    const events = page.filter((event) => event.position <= position)
    for (const event of events) yield `${sealedText(event)}\n`
    if (events.length < page.length || events.length === 0) break
    afterPosition = events.at(-1)?.position ?? position
  }
  yield `${canonicalJson({ heads: heads.map((head) => ({ ...head })) })}\n`
}

/** The last line of an export, once it has been passed. */
export interface ExportEnd {
  heads?: readonly ChainHead[]
  /** Problems of the file beyond its events. */
  problem?: string
}

/** The events of an export; `end` is filled in as the last line is read. */
export async function* exportedEvents(input: Readable, end: ExportEnd): AsyncGenerator<UnverifiedEvent> {
  for await (const line of readLines(input)) {
    if (end.heads) {
      end.problem = 'The export goes on after its last line, which names the heads.'
      return
    }
    const heads = parseHeads(line)
    if (heads) end.heads = heads
    else yield exportedEvent(line)
  }
}

async function* readLines(input: Readable): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of input) {
    rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer])
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      yield rest.subarray(0, at)
      rest = rest.subarray(at + 1)
    }
    if (rest.length > MAX_LINE) break
  }
  // A line that is too long is given whole, as far as it was read: its beginning alone could look like a last line.
  if (rest.length > 0) yield rest
}

/** The last line in the form of now, or in the one of before chains had names. */
function parseHeads(line: Buffer): readonly ChainHead[] | undefined {
  const parsed = canonicalObject(line)
  if (!parsed || Object.keys(parsed).length !== 1) return undefined
  const { heads, head } = parsed as { heads?: unknown; head?: object }
  if (Array.isArray(heads) && heads.every(isChainHead)) return heads
  const unnamed = head === undefined || 'chain' in head ? undefined : { ...head, chain: '' }
  return isChainHead(unnamed) ? [unnamed] : undefined
}

const UNREADABLE: ChainLink = {
  seq: -1,
  prevHash: '',
  hash: '',
  text: '',
  unreadable: 'A line is not an event as exports have it.',
}

function exportedEvent(line: Buffer): UnverifiedEvent {
  const parsed = canonicalObject(line)
  if (!parsed) return { chain: undefined, read: () => UNREADABLE }
  const { hash, ...rest } = parsed as { readonly [Key in keyof ChainLink | 'chain']?: unknown }
  const { chain = '', seq, prevHash, type, data } = rest
  // An event of before chains had names has no such member, not an empty one.
  const isEvent = typeof chain === 'string' && rest.chain !== '' && typeof seq === 'number'
  if (!isEvent || typeof hash !== 'string' || typeof prevHash !== 'string') {
    return { chain: undefined, read: () => UNREADABLE }
  }
  const text = canonicalJson(rest as never)
  return { chain, read: () => ({ seq, prevHash, hash, text, data, ...(typeof type === 'string' ? { type } : {}) }) }
}

/** A line that is byte for byte the canonical JSON of the object that it holds. */
function canonicalObject(line: Buffer): object | undefined {
  if (line.length > MAX_LINE) return undefined
  try {
    const text = line.toString('utf8')
    const parsed: unknown = JSON.parse(text)
    const isCanonical = parsed !== null && typeof parsed === 'object' && canonicalJson(parsed as never) === text
    return isCanonical && Buffer.from(text).equals(line) ? parsed : undefined
  } catch {
    return undefined
  }
}
