import { type DenyListInput, planDenyList } from './deny-list.ts'
import type { DeniedGrant, DenyListContent, DocumentDenies } from './provider.ts'

/** A document that a deny list is spread over. */
export interface SpreadDocument {
  readonly key: string
  /** The sessions that it denies now. */
  readonly now: DocumentDenies
  readonly fits: (list: DenyListContent, spare: number) => boolean
}

/** Inputs of a list that several documents share. */
export interface SpreadInput extends Omit<DenyListInput, 'fits'> {
  /** At least one. */
  readonly documents: readonly SpreadDocument[]
  /** Grants that a document which cannot be written now names: they need no place in these. */
  readonly elsewhere: ReadonlySet<string>
}

/** A list, and the part of it that each document has to hold. */
export interface SpreadList {
  readonly whole: DenyListContent
  /** By key of the document. */
  readonly parts: ReadonlyMap<string, DenyListContent>
}

/**
 * The whole list that several documents have to hold together, and the part of each. Places are shared by agent over the sum.
 *
 * Every document has all watermarks, so that an entry without a place is covered by each of them, and the loss of one document
 * lifts none. An entry with a place is in one document, and stays in the one that names it as long as that has room. New
 * entries fill the first document, then the second …: as long as one is enough, one is written.
 */
export function spreadDenyList({ documents, elsewhere, ...input }: SpreadInput): SpreadList {
  const [only, another] = documents
  if (only && !another && elsewhere.size === 0) {
    const whole = planDenyList({ ...input, fits: only.fits })
    return { whole, parts: new Map([[only.key, whole]]) }
  }
  const place = (list: DenyListContent, spare: number) => placeGrants(list, spare, documents, elsewhere)
  const whole = planDenyList({ ...input, fits: (list, spare) => place(list, spare) !== undefined })
  // A list that fits nowhere goes whole into each document, so that the write is refused and reported, as with one document.
  const parts = place(whole, 0) ?? new Map(documents.map(({ key }) => [key, whole]))
  return { whole, parts }
}

function placeGrants(
  list: DenyListContent,
  spare: number,
  documents: readonly SpreadDocument[],
  elsewhere: ReadonlySet<string>,
): Map<string, DenyListContent> | undefined {
  const homes = documents.map((document) => ({ document, grants: [] as string[], isFull: false }))
  const open: string[] = []
  for (const grantId of list.grants) {
    const home = homes.find(({ document }) => document.now.names(grantId))
    if (home) home.grants.push(grantId)
    else if (!elsewhere.has(grantId)) open.push(grantId)
  }
  const part = createParts(list)
  for (const home of homes) {
    const kept = countFitting(home.grants.length, (n) => home.document.fits(part(home.grants.slice(0, n)), 0))
    if (kept === undefined) return undefined
    // One that lets go takes on nobody: what leaves it must be in another document first, and never the other way round.
    home.isFull = kept < home.grants.length
    open.push(...home.grants.splice(kept))
  }
  let fullAt: number | undefined
  for (const { document, grants, isFull } of homes) {
    if (isFull || open.length === 0) continue
    const fits = (n: number) => document.fits(part([...grants, ...open.slice(0, n)]), 0)
    // The guess is right for most: documents mostly have room for the same number of grants.
    const taken = countFitting(open.length, fits, fullAt && fullAt - grants.length) ?? 0
    grants.push(...open.splice(0, taken))
    if (open.length > 0) fullAt = grants.length
  }
  if (open.length > 0) return undefined
  let wanted = spare
  for (const { document, grants } of homes) {
    if (wanted === 0) break
    wanted -= countFitting(wanted, (n) => document.fits(part(grants), n)) ?? 0
  }
  return wanted === 0 ? new Map(homes.map(({ document, grants }) => [document.key, part(grants)])) : undefined
}

/** The part of a list that names some of its grants. */
function createParts({ grants: _, chaining = [], ...watermarks }: DenyListContent) {
  const chains = new Set(chaining)
  return (grants: readonly string[]): DenyListContent => {
    const own = grants.filter((grantId) => chains.has(grantId))
    return { grants, ...(own.length > 0 ? { chaining: own } : {}), ...watermarks }
  }
}

/**
 * The largest number up to `most` that fits; undefined if not even 0 fits. More never take less room.
 *
 * @param guess tried first, with one more.
 */
function countFitting(most: number, fits: (n: number) => boolean, guess = most): number | undefined {
  if (fits(most)) return most
  let [fitting, tooMany] = [-1, most]
  for (const n of [guess, guess + 1]) {
    if (n <= fitting || n >= tooMany) continue
    if (fits(n)) fitting = n
    else tooMany = n
  }
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2)
    if (fits(middle)) fitting = middle
    else tooMany = middle
  }
  return fitting < 0 ? undefined : fitting
}

/** The denies of a document with this content. */
export function toDenies({ grants, agents = [], watermark }: DenyListContent): DocumentDenies {
  const named = new Set(grants)
  const before = new Map(agents.map((one) => [one.agent, one.before]))
  return createDenies({
    names: (grantId) => named.has(grantId),
    watermark,
    findWatermark: (agent) => before.get(agent),
  })
}

/** The denies of a document with these names and watermarks, whoever wrote it. */
export function createDenies({
  names,
  watermark,
  findWatermark,
}: Pick<DocumentDenies, 'names'> & {
  readonly watermark: Date | undefined
  readonly findWatermark: (agent: string) => Date | undefined
}): DocumentDenies {
  const isBefore = ({ lastIssuedAt }: DeniedGrant, mark: Date | undefined) => mark !== undefined && lastIssuedAt < mark
  return {
    names,
    covers: (grant) =>
      names(grant.grantId) ||
      isBefore(grant, watermark) ||
      (grant.agent !== undefined && grant.named === true && isBefore(grant, findWatermark(grant.agent))),
  }
}

/** A document that is to be written. */
export interface PendingWrite {
  readonly now: DocumentDenies
  readonly wanted: DocumentDenies
}

/**
 * The writes that can be made at the same time without any entry being in no document in between, whichever of them fail: what
 * a write takes away from its document is in another one, and stays there. The others become possible after these.
 *
 * @param entries that have to be denied.
 * @param others documents that are not to be written.
 */
export function findSafeWrites<W extends PendingWrite>(
  entries: readonly DeniedGrant[],
  pending: readonly W[],
  others: readonly DocumentDenies[],
): W[] {
  const stays = (other: W, entry: DeniedGrant) => other.now.covers(entry) && other.wanted.covers(entry)
  return pending.filter(({ now, wanted }, at) =>
    entries.every(
      (entry) =>
        !now.covers(entry) ||
        wanted.covers(entry) ||
        others.some((other) => other.covers(entry)) ||
        pending.some((other, place) => place !== at && stays(other, entry)),
    ),
  )
}
