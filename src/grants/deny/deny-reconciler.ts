import { asStintError, StintError } from '../../core/errors.ts'
import { later } from '../../core/instant.ts'
import { backoffMs } from '../../core/limits/backoff.ts'
import { failpoint } from '../../core/process/failpoint.ts'
import type { DenyListContent } from '../../credentials/provider.ts'
import { type AuditEventInput, auditEvent } from '../../ledger/events/audit-event.ts'
import type { ClaimedDenyList, Ledger } from '../../ledger/ledger.ts'
import type { DenyEntry, DenyList } from '../../ledger/records.ts'
import { isNeeded } from '../../ledger/rules/deny-list-rules.ts'
import type { DenyCanaries } from '../canaries/deny-canaries.ts'
import { quarantineIfOutdated } from '../quarantine/begin-quarantine.ts'
import type { WatchHub } from '../watching/watch-hub.ts'
import type { DenyProblems } from './deny-problems.ts'
import { toWithheldEvents } from './list-documents.ts'
import { type ListUpdate, type UpdateParts, updateList } from './update-list.ts'
import { CLAIM_MS, isClaimLost, WriteClaim } from './write-claim.ts'

const FIRST_BACKOFF_MS = 1_000
/** How long a list that may have been written is tried before it is let go. */
const DOUBT_MS = 3_600_000
const LONGEST_BACKOFF_MS = 60_000

/**
 * Lists that are read or written at the same time. Those of more accounts wait for their turn unclaimed, or the calls that assume
 * their revokers would wait for longer than a call may.
 */
const MAX_BUSY = 1_000
/** Watermarks have whole seconds and a margin, and agents that complete together share one. */
const HARMLESS_LOSS_MS = 10_000

/** Dependencies of the one writer of deny lists. */
export interface DenyReconcilerParts extends UpdateParts {
  readonly ledger: Ledger
  readonly hub: WatchHub
  /** Names this process on its claims. */
  readonly owner: string
  readonly problems: DenyProblems
  /** Shows when documents are in force; absent: the settle time alone says so. */
  readonly proofs?: Pick<DenyCanaries, 'choose' | 'isOwed' | 'isProbed' | 'written'> | undefined
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
  await parts.problems.forgetMended(busy)
  while (!signal.aborted && busy.size < MAX_BUSY) {
    const claimed = await claimNext(parts)
    if (!claimed) return
    const { key } = claimed.list
    parts.problems.claimed(claimed.list)
    busy.add(key)
    parts.memory.sending.delete(key)
    begun(
      reconcile(parts, claimed, signal)
        .catch((error: unknown) => {
          if (!isClaimLost(error)) tellProblem(parts, claimed, error)
        })
        .finally(() => busy.delete(key)),
    )
  }
}

/** A list in the hands of this process. */
type OwnList = ClaimedDenyList & { readonly claim: WriteClaim }

async function claimNext(parts: DenyReconcilerParts): Promise<OwnList | undefined> {
  const { ledger, owner, clock, memory } = parts
  const now = latestNow(parts)
  const beganMs = clock.monotonicMs()
  const claimUntil = new Date(now.getTime() + CLAIM_MS)
  const claimed = await ledger.claimDenyList({ owner, now, claimUntil, except: memory.busy })
  return claimed && { ...claimed, claim: new WriteClaim(parts, claimed.list, beganMs) }
}

/** The later of our two clocks, since a deny may come early but must not wait for a clock that has stepped back. */
function latestNow({ clock, clockGuard }: Pick<DenyReconcilerParts, 'clock' | 'clockGuard'>): Date {
  return later(clock.now(), clockGuard.earliestNow())
}

async function reconcile(parts: DenyReconcilerParts, claimed: OwnList, signal: AbortSignal): Promise<void> {
  if (await letGo(parts, claimed)) return
  let update: ListUpdate
  try {
    const quarantine = await parts.ledger.quarantine()
    update = await updateList(parts, { ...claimed, quarantine }, signal)
  } catch (thrown) {
    if (isClaimLost(thrown)) throw thrown
    await recordFailure(parts, claimed, thrown)
    return
  }
  const { ledger, proofs, problems } = parts
  const { list } = claimed
  const { held, provable, expired, content, documents, at, againInMs, canary, settledBy, anew } = update
  const now = latestNow(parts)
  const isOwed = proofs?.isOwed(list.key, provable) === true
  const wrote = documents.all[0]?.wrote
  const records = documents.toRecords(now)
  await ledger.denyWritten({
    listKey: list.key,
    claimVersion: list.claimVersion,
    grantIds: held.map((entry) => entry.grantId),
    byWatermark: listUnnamed(held, content),
    agents: content.agents ?? [],
    removedGrantIds: expired.map((entry) => entry.grantId),
    ...(settledBy && { settledBy }),
    anewGrantIds: anew.map((entry) => entry.grantId),
    ...(content.watermark ? { watermark: content.watermark } : {}),
    ...(update.cut ? { cut: update.cut } : {}),
    ...(wrote ? { wrote } : {}),
    ...(records ? { documents: records } : {}),
    at,
    now,
    nextAttemptAt: isOwed ? now : new Date(now.getTime() + againInMs),
    events: [...documents.events, ...toWrittenEvents(claimed, update)],
  })
  documents.recorded()
  failpoint('reconcile.after_record')
  if (!documents.all[0]?.failure) {
    const { sequence } = wrote ?? list.written ?? {}
    proofs?.written(list.key, { canary, sequence, entries: provable, at })
  }
  if (documents.usable.some(({ key }) => key === list.key)) problems.well(list.key, `deny:${list.key}`)
  tellWatermarks(parts, list, update)
  tellWhile(parts, list, 'crowded', findCrowd(list, update))
  tellWhile(parts, list, 'time', findTimeless(list, update))
}

/**
 * Stops looking at a list on which nothing is needed any more, if no configured role has it, or if it was never written and cannot
 * be: an agent may have named an account that does not exist, from which no answer will ever tell that entries are over.
 *
 * @returns true for such a list
 */
async function letGo(
  { ledger, provider, clockGuard, memory, problems }: DenyReconcilerParts,
  { list, entries }: ClaimedDenyList,
): Promise<boolean> {
  const at = clockGuard.earliestNow()
  const isServed = provider.isServed?.(list.key) ?? provider.fits(list.key, { grants: [] }, 0)
  const isBeyondReach = memory.shown.get(list.key) === false && isUnwritten(list, entries, at)
  if ((isServed && !isBeyondReach) || entries.some((entry) => isNeeded(entry, at))) return false
  const removedGrantIds = entries.map((entry) => entry.grantId)
  const { key: listKey, claimVersion } = list
  await ledger.denyWritten({ listKey, claimVersion, grantIds: [], removedGrantIds, at, events: [] })
  problems.well(list.key, `deny:${list.key}`)
  return true
}

/**
 * True for a list that was made for a deny that never came about, as far as is on record. A claim before this one that was not given
 * back may have sent a write whose answer got lost, so such a list is tried for an hour.
 */
function isUnwritten(
  { attempts, lastWrittenAt, claimVersion, failingSince }: DenyList,
  entries: readonly DenyEntry[],
  at: Date,
): boolean {
  const wasWritten = lastWrittenAt !== undefined || entries.some(({ writtenAt }) => writtenAt)
  const mayBeWritten = claimVersion > 1 && (!failingSince || at.getTime() - failingSince.getTime() < DOUBT_MS)
  return attempts > 0 && entries.length > 0 && !wasWritten && !mayBeWritten
}

/** Wakes the agents that a watermark cuts, so that they renew. A watermark that cuts everybody is a problem while it stands. */
function tellWatermarks(
  { hub, problems }: DenyReconcilerParts,
  list: DenyList,
  { content, cut }: Pick<ListUpdate, 'content' | 'cut'>,
): void {
  for (const { agent } of content.agents ?? []) hub.agentChanged(agent)
  const component = `deny:${list.key}:full`
  if (!content.watermark) {
    if (list.watermark) problems.well(list.key, component)
    return
  }
  // Not only with a new watermark: that of a list that was mended has been in the ledger since it was claimed.
  hub.allChanged()
  if (isCutBy(content.watermark, cut)) return
  const before = content.watermark.toISOString()
  const explanation = `The deny list is full beyond what watermarks of agents can cover: it cuts every session of its roles that was issued before ${before}. Give the list further documents (roles[].revocation.furtherPolicyArns) or busy roles a boundary of their own, or let completed grants run out (grants.cutOnCompletion).`
  problems.tell(list.key, {
    component,
    error: new StintError('DENY_LIST_FULL', { explanation, denyList: list.key, before }),
  })
}

/** True if a quarantine asks for the watermark: the list is not full, and the status shows the quarantine itself. */
function isCutBy(watermark: Date, cut: ListUpdate['cut']): boolean {
  return cut !== undefined && watermark <= cut.before
}

/** Reports a problem in every pass that has it, and once that it is gone. */
function tellWhile(
  { memory: { told }, problems }: DenyReconcilerParts,
  { key }: DenyList,
  what: 'crowded' | 'time',
  error: StintError | undefined,
): void {
  const component = `deny:${key}:${what}`
  if (error) {
    told.add(component)
    problems.tell(key, { component, error })
  } else if (told.delete(component)) problems.well(key, component)
}

/** P10: agents that share a watermark are cut up to the newest completion of any of them. */
function findCrowd(
  { key }: DenyList,
  { content, entries }: Pick<ListUpdate, 'content' | 'entries'>,
): StintError | undefined {
  const own = Map.groupBy(entries, ({ agent }) => agent)
  const lostMs = (content.agents ?? []).map(({ agent, before }) => {
    const newestMs = Math.max(...(own.get(agent) ?? []).map(({ lastIssuedAt }) => lastIssuedAt.getTime()))
    return before.getTime() - newestMs
  })
  const cut = lostMs.filter((ms) => ms > HARMLESS_LOSS_MS)
  if (cut.length === 0) return undefined
  const seconds = Math.round(Math.max(...cut) / 1_000)
  const explanation = `More agents complete grants than the deny list has watermarks for: ${cut.length} of them share one with others, which cuts their sessions that began up to ${seconds} s after their own last completion. Give busy roles a boundary of their own or further documents, or let completed grants run out (grants.cutOnCompletion).`
  return new StintError('DENY_LIST_FULL', { explanation, denyList: key })
}

/** Entries leave by the time that answers tell. Without one they would fill the list for ever, and nobody would know why. */
function findTimeless(
  { key }: DenyList,
  { entries, documents }: Pick<ListUpdate, 'entries' | 'documents'>,
): StintError | undefined {
  if (documents.readAt || entries.length === 0) return undefined
  const explanation = `Answers about deny list ${key} carry no Date, so nothing can leave it: find out which proxy on the way to the cloud removes that header.`
  return new StintError('PROVIDER_ANSWER_INVALID', { explanation, denyList: key })
}

function listUnnamed(entries: readonly DenyEntry[], { grants }: DenyListContent): string[] {
  const named = new Set(grants)
  return entries.flatMap(({ grantId }) => (named.has(grantId) ? [] : [grantId]))
}

function toCommonWatermarkEvents(
  { key: denyList, watermark: had }: DenyList,
  watermark: Date | undefined,
  cut: ListUpdate['cut'],
  at: Date,
): AuditEventInput[] {
  const isByQuarantine = watermark !== undefined && isCutBy(watermark, cut)
  const isNew = watermark && (!had || (isByQuarantine && watermark > had))
  if (!isNew) return []
  const data = {
    denyList,
    before: watermark.toISOString(),
    ...(isByQuarantine && cut && { quarantine: cut.quarantine }),
  }
  return [auditEvent('common_watermark.set', { at, actor: 'stint', data })]
}

async function recordFailure(parts: DenyReconcilerParts, claimed: ClaimedDenyList, thrown: unknown): Promise<void> {
  const { ledger, random, memory } = parts
  const { list, entries } = claimed
  const error = asStintError(thrown)
  tellProblem(parts, claimed, error)
  const at = latestNow(parts)
  const isSetBack = await quarantineIfOutdated(ledger, error, at)
  const limits = { baseMs: FIRST_BACKOFF_MS, capMs: LONGEST_BACKOFF_MS, random, leastShare: 0.5 }
  const nextAttemptAt = isSetBack ? at : new Date(at.getTime() + backoffMs(list.attempts + 1, limits))
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
    unsent: !memory.sending.has(list.key),
    events: [auditEvent('deny.failed', { at, actor: 'stint', data }), ...toWithheldEvents(error, at)],
  })
}

function tellProblem({ problems }: DenyReconcilerParts, { list }: ClaimedDenyList, error: unknown): void {
  problems.tell(list.key, { component: `deny:${list.key}`, error })
}

/** Events of a write: its content, and the agents that came under a watermark or left one. */
function toWrittenEvents(
  { list, agents, entries: before }: ClaimedDenyList,
  { entries, expired, content, documents, at, cut }: ListUpdate,
): AuditEventInput[] {
  const written = documents.all.filter(({ wrote }) => wrote).map(({ key }) => key)
  const isNews = written.length > 0 || expired.length > 0 || before.some((entry) => !entry.writtenAt)
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
    ...(documents.all.length > 1 ? { documents: written } : {}),
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
    ...toCommonWatermarkEvents(list, content.watermark, cut, at),
    ...(list.watermark && !content.watermark
      ? [auditEvent('common_watermark.lifted', { ...head, data: { denyList } })]
      : []),
  ]
}
