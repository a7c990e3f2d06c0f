import type { Clock } from '../core/clock.ts'
import type { ClockGuard } from '../core/clock-guard.ts'
import { asStintError, StintError } from '../core/errors.ts'
import { earlier, later } from '../core/instant.ts'
import { backoffMs } from '../core/limits/backoff.ts'
import { failpoint } from '../core/process/failpoint.ts'
import { type DenyCandidate, planDenyList } from '../credentials/deny-list.ts'
import type { CredentialProvider, DenyListContent, LiveDenyList } from '../credentials/provider.ts'
import { type AuditEventInput, auditEvent } from '../ledger/events/audit-event.ts'
import type { ClaimedDenyList, Ledger } from '../ledger/ledger.ts'
import type { DenyEntry, DenyList } from '../ledger/records.ts'
import { canBeProven, isNeeded } from '../ledger/rules/deny-list-rules.ts'
import type { DenyCanaries } from './canaries/deny-canaries.ts'
import { findChange, WithheldDocuments, WithheldError } from './deny-document.ts'
import type { LifeSettings } from './lifecycle.ts'
import type { WatchHub } from './watch-grant.ts'

/**
 * A replica that dies with a claim gives it back by not being heard of for this long: longer than a read and a write may take
 * together, so that no write of its holder comes after one of the next.
 */
const CLAIM_MS = 45_000
const FIRST_BACKOFF_MS = 1_000
const LONGEST_BACKOFF_MS = 60_000
/** Each document is read at least so often: somebody else may have changed it, and entries may be over. */
const LOOK_MS = 60_000
const SOONEST_LOOK_MS = 1_000
/** The same for a document that its canary is still allowed by. */
const PROBED_LOOK_MS = 10_000

/**
 * Lists that are read or written at the same time. Those of more accounts wait for their turn unclaimed, or the calls that assume
 * their revokers would wait for longer than a call may.
 */
const MAX_BUSY = 1_000

/** Dependencies of the one writer of deny lists. */
export interface DenyReconcilerParts {
  readonly ledger: Ledger
  readonly provider: CredentialProvider
  readonly clock: Clock
  readonly clockGuard: Pick<ClockGuard, 'earliestNow'>
  readonly hub: WatchHub
  /** Names this process on its claims. */
  readonly owner: string
  /** This process's memory of the documents, beside the ledger. */
  readonly memory: DenyMemory
  readonly settings: Pick<LifeSettings, 'settleMs'>
  /** Shows when documents are in force; absent: the settle time alone says so. */
  readonly proofs?: Pick<DenyCanaries, 'choose' | 'isOwed' | 'isProbed' | 'written'> | undefined
  /** 0 to 1, for jitter. */
  readonly random: () => number
  /** A deny list that cannot be written has the component `deny:<list>` until a write of it succeeds. */
  readonly onProblem: (problem: { component: string; error: unknown }) => void
  /** The component works again. */
  readonly onWell: (component: string) => void
}

/** The memory of one process of deny documents between two passes. */
export class DenyMemory {
  /** Keys of lists that are being read or written. */
  readonly busy = new Set<string>()
  readonly withheld = new WithheldDocuments()
  /** Keys of lists whose documents were found changed, until they are found as they were left. */
  readonly changed = new Set<string>()
  /** By key, the digests of writes that were sent and are not on record. */
  readonly sent = new Map<string, string>()
}

/**
 * Begins to bring every due deny list to what the ledger wants. One writer per list by claim; each write is the whole
 * list, so a repeat after a crash is harmless. A list that fails backs off alone, and one that hangs keeps nobody waiting.
 *
 * @param begun is given each write as it begins; it never rejects. What fails, the ledger included, is a problem of that
 *   list until a write of it is done and on record: the next pass, which may have nothing to write, says nothing of it.
 */
export async function beginDenyWrites(
  parts: DenyReconcilerParts,
  signal: AbortSignal,
  begun: (write: Promise<void>) => void,
): Promise<void> {
  const { busy } = parts.memory
  while (!signal.aborted && busy.size < MAX_BUSY) {
    const now = latestNow(parts)
    const claimUntil = new Date(now.getTime() + CLAIM_MS)
    // A clock that jumps ahead lets a claim lapse under its holder: two writes to one document could overtake each other.
    const claimed = await parts.ledger.claimDenyList({ owner: parts.owner, now, claimUntil, except: busy })
    if (!claimed) return
    const { key } = claimed.list
    busy.add(key)
    begun(
      reconcile(parts, claimed, signal)
        .catch((error: unknown) => tellProblem(parts, claimed, error))
        .finally(() => busy.delete(key)),
    )
  }
}

/** For what may come early and must not come late: a deny must not wait for a clock that has stepped back. */
function latestNow({ clock, clockGuard }: Pick<DenyReconcilerParts, 'clock' | 'clockGuard'>): Date {
  return later(clock.now(), clockGuard.earliestNow())
}

async function reconcile(parts: DenyReconcilerParts, claimed: ClaimedDenyList, signal: AbortSignal): Promise<void> {
  if (await letGo(parts, claimed)) return
  let update: Update
  try {
    update = await bringUpToDate(parts, claimed, signal)
  } catch (thrown) {
    await recordFailure(parts, claimed, thrown)
    return
  }
  const { ledger, proofs, onWell } = parts
  const { list } = claimed
  const { entries, expired, content, wrote, at, canary, settledBy } = update
  const now = latestNow(parts)
  const isOwed = proofs?.isOwed(list.key, entries) === true
  await ledger.denyWritten({
    listKey: list.key,
    claimVersion: list.claimVersion,
    grantIds: entries.map((entry) => entry.grantId),
    byWatermark: listUnnamed(entries, content),
    agents: content.agents ?? [],
    removedGrantIds: expired.map((entry) => entry.grantId),
    ...(settledBy && { settledBy }),
    anew: update.isChanged,
    ...(content.watermark ? { watermark: content.watermark } : {}),
    ...(wrote ? { wrote } : {}),
    at,
    now,
    nextAttemptAt: new Date(now.getTime() + (isOwed ? 0 : untilNextLook(parts, list, update))),
    events: [...update.events, ...toWrittenEvents(claimed, update)],
  })
  parts.memory.sent.delete(list.key)
  failpoint('reconcile.after_record')
  proofs?.written(list.key, canary, entries, at)
  onWell(`deny:${list.key}`)
  tellWatermarks(parts, list, content)
}

/** Looks no more at a list that no configured role has, once nothing on it is needed. @returns whether it is one */
async function letGo(
  { ledger, provider, clockGuard, onWell }: DenyReconcilerParts,
  { list, entries }: ClaimedDenyList,
): Promise<boolean> {
  const at = clockGuard.earliestNow()
  const isServed = provider.fits(list.key, { grants: [] }, 0)
  if (isServed || entries.some((entry) => isNeeded(entry, at))) return false
  const removedGrantIds = entries.map((entry) => entry.grantId)
  const { key: listKey, claimVersion } = list
  await ledger.denyWritten({ listKey, claimVersion, grantIds: [], removedGrantIds, at, events: [] })
  onWell(`deny:${list.key}`)
  return true
}

/** The result of a pass over one list. */
interface Update {
  /** That the document has to hold. */
  readonly entries: readonly DenyEntry[]
  /** That have left it. */
  readonly expired: readonly DenyEntry[]
  readonly content: DenyListContent
  /** The grant of a canary's session that the document denies besides. */
  readonly canary: string | undefined
  /** Missing: the document was as wanted already. */
  readonly wrote: { readonly digest: string; readonly sequence: number } | undefined
  readonly at: Date
  /** Somebody else had changed it. */
  readonly isChanged: boolean
  /** The document was as left: what it has held since then has had its time to settle. */
  readonly settledBy: Date | undefined
  /** Events of anything else that was found. */
  readonly events: readonly AuditEventInput[]
}

/**
 * Reads the document, works out what it has to hold as of the cloud's time of that answer, and writes it where it differs. An
 * entry leaves only when the cloud's own clock is past its end, since ours may have jumped, and ours say nothing else, since the
 * Date of one answer may be wrong.
 */
async function bringUpToDate(
  parts: DenyReconcilerParts,
  claimed: ClaimedDenyList,
  signal: AbortSignal,
): Promise<Update> {
  const { ledger, provider, clockGuard, memory, proofs } = parts
  const { list } = claimed
  const live = await provider.readDenyList(list.key, signal)
  const empty = provider.digestOf(list.key, { grants: [] })
  // An answer whose Date is ahead lets nothing go that our own clocks say is not over.
  const certain = live.at && earlier(live.at, clockGuard.earliestNow())
  const found = memory.withheld.check(live, certain, list, ledger.identity, empty)
  const isOver = (entry: DenyEntry) => certain !== undefined && !isNeeded(entry, certain)
  const changes = lookForChange(
    parts,
    live,
    list,
    claimed.entries.some((entry) => entry.writtenAt && !isOver(entry)),
  )
  const events = [...found, ...changes]
  const isChanged = changes.length > 0
  const settledBy = findSettled(parts, list, certain, isChanged)
  const expired = claimed.entries.filter(isOver)
  const entries = claimed.entries.filter((entry) => !isOver(entry))
  const canary = proofs?.choose(list.key, entries)
  const content = planDenyList({
    entries: entries.map(toCandidate),
    ...(list.watermark ? { currentWatermark: list.watermark } : {}),
    fits: (candidate, spare) => provider.fits(list.key, withCanary(candidate, canary), spare),
  })
  const document = withCanary(content, canary)
  const wrote = { digest: provider.digestOf(list.key, document), sequence: list.claimVersion }
  const common = { entries, expired, content, canary, isChanged, settledBy, events }
  const isMarked = !live.exists || live.mark?.ledgerId === ledger.identity.ledgerId
  if (live.digest === wrote.digest && isMarked)
    return { ...common, wrote: confirmed(live, list), at: live.at ?? clockGuard.earliestNow() }
  failpoint('reconcile.before_write')
  const { ledgerId, epoch } = ledger.identity
  const mark = { ledgerId, epoch, sequence: list.claimVersion }
  memory.sent.set(list.key, wrote.digest)
  const answer = await provider.writeDenyList(list.key, document, signal, mark)
  failpoint('reconcile.after_write')
  return { ...common, wrote, at: answer.at ?? live.at ?? clockGuard.earliestNow() }
}

/** A write that is not on record is confirmed by the look that finds it, so that a later edit of it shows. */
function confirmed({ digest, mark }: LiveDenyList, { written, claimVersion }: DenyList): Update['wrote'] {
  return digest === written?.digest ? undefined : { digest, sequence: mark?.sequence ?? claimVersion }
}

function withCanary(content: DenyListContent, canary: string | undefined): DenyListContent {
  return canary === undefined ? content : { ...content, grants: [...content.grants, canary] }
}

/**
 * P6: the settle time proves nothing of a document that is not there any more: an edit, another broker or a late effect of an
 * earlier write may have undone it. So it counts only with a look at its end that finds the document as it was left.
 */
function findSettled(
  { settings, proofs }: DenyReconcilerParts,
  { key, written }: DenyList,
  at: Date | undefined,
  isChanged: boolean,
): Date | undefined {
  if (!at || !written || isChanged || proofs?.isProbed(key)) return undefined
  return new Date(at.getTime() - settings.settleMs)
}

/**
 * Until the next look: a minute, or less for an entry whose time to settle is over before that. Up to a quarter less by chance,
 * so that the lists of thousands of accounts, which are all read after a start, do not stay due together.
 */
function untilNextLook(
  { settings: { settleMs }, proofs, random }: DenyReconcilerParts,
  { key }: DenyList,
  { entries, at, settledBy, isChanged }: Update,
): number {
  const waits = entries.filter(canBeProven).flatMap(({ writtenAt: before }) => {
    const writtenAt = isChanged || !before ? at : before
    return settledBy && writtenAt <= settledBy ? [] : [writtenAt.getTime() + settleMs - at.getTime()]
  })
  // The settle time counts again if the canary turns out not to work.
  const soonestMs = proofs?.isProbed(key) ? PROBED_LOOK_MS : SOONEST_LOOK_MS
  return Math.max(soonestMs, Math.min(LOOK_MS * (1 - random() / 4), ...waits))
}

/** Somebody else's edit stays on the status until the document is found as it was left. */
function lookForChange(
  { ledger, memory, clockGuard, onProblem, onWell }: DenyReconcilerParts,
  live: LiveDenyList,
  list: DenyList,
  holdsNeeded: boolean,
): AuditEventInput[] {
  const component = `deny:${list.key}:changed`
  const error = findChange(live, list, { epoch: ledger.identity.epoch, sent: memory.sent.get(list.key), holdsNeeded })
  if (!error) {
    if (memory.changed.delete(list.key)) onWell(component)
    return []
  }
  memory.changed.add(list.key)
  onProblem({ component, error })
  const data = { denyList: list.key, found: 'content' } as const
  return [auditEvent('deny.changed', { at: live.at ?? clockGuard.earliestNow(), actor: 'stint', data })]
}

/** Whom a watermark cuts has to renew; that it cuts everybody is a problem for as long as it stands. */
function tellWatermarks(
  { hub, onProblem, onWell }: DenyReconcilerParts,
  list: DenyList,
  content: DenyListContent,
): void {
  for (const { agent } of content.agents ?? []) hub.agentChanged(agent)
  const component = `deny:${list.key}:full`
  if (!content.watermark) {
    if (list.watermark) onWell(component)
    return
  }
  // Not only with a new watermark: that of a list that was mended has been in the ledger since it was claimed.
  hub.allChanged()
  const before = content.watermark.toISOString()
  const explanation = `The deny list is full beyond what watermarks of agents can cover: it cuts every session of its roles that was issued before ${before}. Give busy roles a boundary of their own, or let completed grants run out (grants.cutOnCompletion).`
  onProblem({ component, error: new StintError('DENY_LIST_FULL', { explanation, denyList: list.key, before }) })
}

function toCandidate({ grantId, lastIssuedAt, agent, namesAgent, chains, urgent }: DenyEntry): DenyCandidate {
  return {
    grantId,
    lastIssuedAt,
    ...(agent === undefined ? {} : { agent }),
    named: namesAgent === true,
    chains: chains === true,
    urgent: urgent === true,
  }
}

function listUnnamed(entries: readonly DenyEntry[], { grants }: DenyListContent): string[] {
  const named = new Set(grants)
  return entries.flatMap(({ grantId }) => (named.has(grantId) ? [] : [grantId]))
}

async function recordFailure(parts: DenyReconcilerParts, claimed: ClaimedDenyList, thrown: unknown): Promise<void> {
  const { ledger, random } = parts
  const { list, entries } = claimed
  const error = asStintError(thrown)
  tellProblem(parts, claimed, error)
  const at = latestNow(parts)
  const limits = { baseMs: FIRST_BACKOFF_MS, capMs: LONGEST_BACKOFF_MS, random, leastShare: 0.5 }
  const nextAttemptAt = new Date(at.getTime() + backoffMs(list.attempts + 1, limits))
  const data = {
    denyList: list.key,
    code: error.code,
    attempt: list.attempts + 1,
    waiting: entries.length,
    nextAttemptAt: nextAttemptAt.toISOString(),
  }
  await ledger.denyFailed({
    listKey: list.key,
    claimVersion: list.claimVersion,
    error: error.message,
    at,
    nextAttemptAt,
    events: [auditEvent('deny.failed', { at, actor: 'stint', data }), ...toWithheldEvents(error, list, at)],
  })
}

function toWithheldEvents(error: StintError, { key: denyList }: DenyList, at: Date): AuditEventInput[] {
  if (!(error instanceof WithheldError) || !error.isNew) return []
  const { found, until } = error
  const data = { denyList, found, ...(until && { until: until.toISOString() }) }
  return [auditEvent('deny.withheld', { at, actor: 'stint', data })]
}

function tellProblem({ onProblem }: DenyReconcilerParts, { list }: ClaimedDenyList, error: unknown): void {
  onProblem({ component: `deny:${list.key}`, error })
}

/** Events of a write: its content, and the agents that came under a watermark or left one. */
function toWrittenEvents(
  { list, agents, entries: before }: ClaimedDenyList,
  { entries, expired, content, wrote, at }: Update,
): AuditEventInput[] {
  const isNews = wrote !== undefined || expired.length > 0 || before.some((entry) => !entry.writtenAt)
  if (!isNews) return []
  const head = { at, actor: 'stint' } as const
  const denyList = list.key
  const [had, has] = [agents, content.agents ?? []].map((all) => new Set(all.map(({ agent }) => agent)))
  const came = (content.agents ?? []).filter(({ agent }) => !had?.has(agent))
  const left = agents.filter(({ agent }) => !has?.has(agent))
  const data = {
    denyList,
    listed: content.grants.length,
    wanted: entries.length,
    removed: expired.length,
    agents: content.agents?.length ?? 0,
    ...(content.watermark ? { watermark: content.watermark.toISOString() } : {}),
  }
  return [
    auditEvent('deny.written', { ...head, data }),
    ...came.map((one) =>
      auditEvent('agent_watermark.set', {
        ...head,
        data: { denyList, agent: one.agent, before: one.before.toISOString() },
      }),
    ),
    ...left.map(({ agent }) => auditEvent('agent_watermark.lifted', { ...head, data: { denyList, agent } })),
    ...(content.watermark && !list.watermark
      ? [auditEvent('common_watermark.set', { ...head, data: { denyList, before: content.watermark.toISOString() } })]
      : []),
    ...(list.watermark && !content.watermark
      ? [auditEvent('common_watermark.lifted', { ...head, data: { denyList } })]
      : []),
  ]
}
