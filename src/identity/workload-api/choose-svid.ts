import { StintError } from '../../core/errors.ts'

/** Our own among several SVIDs, by SPIFFE ID or hint. With neither, there must be only one SPIFFE ID to choose from. */
export interface SvidChoice {
  /** e.g. `spiffe://example.org/stint`, to the letter. */
  readonly spiffeId?: string
  /** The hint that the administrator gave the registration entry; compared to the letter. */
  readonly hint?: string
}

/** The names of one SVID that a Workload API offers. */
interface Offer {
  readonly spiffeId: string
  readonly hint: string
}

/** How the choice is made, and where an operator makes it. */
export interface Chooser {
  readonly choice: SvidChoice
  /** The SPIFFE ID that this process has had since its first SVID; a later message never changes it. */
  readonly pinned?: string | undefined
  /** Where the choice is made, e.g. `identity.workloadApi.spiffeId or identity.workloadApi.hint`. */
  readonly settings: string
}

const MAX_LISTED = 10

/**
 * The SPIFFE ID that is ours among those that the Workload API offers. The order of the offers means nothing: SPIRE sends
 * them by entry id, which is random.
 *
 * @throws {StintError} SVID_NOT_OFFERED: none is the one chosen; SVID_WITHDRAWN: the one that we have been is missing, perhaps
 *   for a moment (SPIRE's agent leaves SVIDs out while it renews those of a tainted CA); SVID_AMBIGUOUS: several SPIFFE
 *   IDs, and no choice. `details.offered` lists them.
 */
export function chooseSpiffeId(offers: readonly Offer[], { choice, pinned, settings }: Chooser): string {
  const fitting = offers.filter((offer) => fits(offer, choice))
  const ids = new Set(fitting.map(({ spiffeId }) => spiffeId))
  const [only] = ids
  if (pinned !== undefined ? ids.has(pinned) : ids.size === 1) return pinned ?? only ?? ''
  const offered = [...new Set(offers.map(describeOffer))].sort()
  const list = joinOffers(offered)
  if (pinned !== undefined) throw lost(pinned, offered, list)
  if (ids.size === 0) {
    const explanation = `The Workload API offers no SVID with ${wantedText(choice)} to this process; it offers ${list}.`
    throw new StintError('SVID_NOT_OFFERED', { offered, explanation })
  }
  const explanation = `The Workload API offers SVIDs of ${ids.size} SPIFFE IDs: ${list}. Name the one to use (${settings}).`
  throw new StintError('SVID_AMBIGUOUS', { offered, explanation })
}

/** True if an offer is one that the choice allows. */
export function fits(offer: Offer, { spiffeId, hint }: SvidChoice): boolean {
  return (spiffeId === undefined || offer.spiffeId === spiffeId) && (hint === undefined || offer.hint === hint)
}

function lost(pinned: string, offered: readonly string[], list: string): StintError {
  const explanation = `The Workload API no longer offers the SVID of ${pinned}, which this process has used since its start; it offers ${list}. Restore the registration entry, or restart the process to use another SVID.`
  return new StintError('SVID_WITHDRAWN', { offered, explanation })
}

function wantedText({ spiffeId, hint }: SvidChoice): string {
  const parts = [
    ...(spiffeId === undefined ? [] : [`SPIFFE ID ${spiffeId}`]),
    ...(hint === undefined ? [] : [`hint ${JSON.stringify(hint)}`]),
  ]
  return parts.join(' and ')
}

/** A malformed ID is quoted: it comes from another program and may hold anything. */
function describeOffer({ spiffeId, hint }: Offer): string {
  const id = /^[\x21-\x7e]{1,2048}$/.test(spiffeId) ? spiffeId : JSON.stringify(spiffeId.slice(0, 256))
  return hint === '' ? id : `${id} (hint ${JSON.stringify(hint.slice(0, 256))})`
}

function joinOffers(offered: readonly string[]): string {
  if (offered.length === 0) return 'none'
  const more = offered.length - MAX_LISTED
  return offered.slice(0, MAX_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
