import { findSafeWrites, type PendingWrite, toDenies } from '../../credentials/deny-spread.ts'
import type { DeniedGrant, DenyListContent } from '../../credentials/provider.ts'
import type { ListDocument, ListDocuments } from './list-documents.ts'

/** A document and the content that it is to have. */
interface Wanted extends PendingWrite {
  readonly document: ListDocument
  readonly content: DenyListContent
}

/** Dependencies of writing several documents. */
export interface OrderParts {
  readonly documents: ListDocuments
  readonly entries: readonly DeniedGrant[]
  readonly fits: (documentKey: string, content: DenyListContent) => boolean
  /** Called before each document is written. */
  readonly beforeWrite: () => void
  readonly afterWrite: () => void
}

/**
 * Writes what differs, in an order in which each entry that a document holds is in some document at every instant, wherever
 * this process dies: what moves is written in its new document before it leaves the old one.
 *
 * @returns `failed`: a document could not be written, so that its part has to go elsewhere. `partly`: a document still has more
 *   than its part.
 */
export async function writeInOrder(
  parts: OrderParts,
  contents: ReadonlyMap<string, DenyListContent>,
): Promise<'done' | 'partly' | 'failed'> {
  const { documents, entries } = parts
  let pending = documents.usable.flatMap((document) => {
    const content = contents.get(document.key)
    return content && documents.differs(document, content) ? [toWanted(document, content)] : []
  })
  let isPartly = false
  while (pending.length > 0) {
    const left = new Set(pending.map(({ document }) => document))
    const others = documents.all.filter((document) => !left.has(document)).map(({ now }) => now)
    const isLast = documents.all.length === 1
    const safe = isLast ? pending : findSafeWrites(entries, pending, others)
    const wave = safe.length > 0 ? safe : pending.slice(0, 1).flatMap((wanted) => keeping(parts, wanted))
    isPartly ||= safe.length === 0
    if (wave.length === 0) return 'failed'
    await Promise.all(wave.map((wanted) => writeOne(parts, wanted)))
    if (wave.some(({ document }) => document.failure)) return 'failed'
    const written = new Set(wave.map(({ document }) => document))
    pending = pending.filter(({ document }) => !written.has(document))
  }
  return isPartly ? 'partly' : 'done'
}

/** For documents that all wait for each other: this one takes on its part and removes nobody, so that the others can be written. */
function keeping({ documents, entries, fits }: OrderParts, { document, content, now, wanted }: Wanted): Wanted[] {
  const kept = entries.filter((entry) => now.covers(entry) && !wanted.covers(entry))
  const chaining = kept.filter(({ chains }) => chains).map(({ grantId }) => grantId)
  const more = {
    ...content,
    grants: [...content.grants, ...kept.map(({ grantId }) => grantId)],
    ...(content.chaining || chaining.length > 0 ? { chaining: [...(content.chaining ?? []), ...chaining] } : {}),
  }
  if (fits(document.key, more)) return [toWanted(document, more)]
  documents.holdBack(document)
  return []
}

function toWanted(document: ListDocument, content: DenyListContent): Wanted {
  return { document, content, now: document.now, wanted: toDenies(content) }
}

async function writeOne({ documents, beforeWrite, afterWrite }: OrderParts, { document, content }: Wanted) {
  beforeWrite()
  await documents.write(document, content)
  if (!document.failure) afterWrite()
}
