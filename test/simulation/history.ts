import { idBody } from '../../src/core/ids.ts'
import type { GrantAnswer } from '../../src/grants/mint-lease.ts'
import type { GrantMove, Ledger, OpenGrant } from '../../src/ledger/ledger.ts'
import { FINAL_STATES, type Grant, type GrantState, type Lease } from '../../src/ledger/records.ts'
import type { Plan } from '../../src/plan/plan.ts'
import type { Cloud, CloudSession } from './cloud.ts'
import type { Scheduler } from './scheduler.ts'

/** Every state that can be seen after a state, however much happened in between: the picture of a grant's life, closed. */
const LATER: Record<GrantState, readonly GrantState[]> = {
  denied: ['denied'],
  awaiting_approval: ['awaiting_approval', 'rejected', 'withdrawn', 'approval_expired', 'active', 'ending', 'ended'],
  rejected: ['rejected'],
  withdrawn: ['withdrawn'],
  approval_expired: ['approval_expired'],
  active: ['active', 'ending', 'ended'],
  ending: ['ending', 'ended'],
  ended: ['ended'],
}

/** The broker's clock may be wrong by so much without being found out: a minute, and the error of reading the reference. */
export const CLOCK_ERROR_MS = 66_000

/** A grant as it truly is, with the true times of what happened to it. */
interface TrueGrant {
  grant: Grant
  readonly plan: Plan | undefined
  approvedBy: string | undefined
  /** When its first lease was intended: the time of the task runs from then. */
  collectedMs: number | undefined
  endingMs: number | undefined
  endedMs: number | undefined
}

interface TrueLease {
  lease: Lease
  issuedMs: number | undefined
}

/** A promise that did not hold. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** Holds what happens against the promises, as it happens: it knows what is durable and what the cloud does. */
export class History {
  readonly grants = new Map<string, TrueGrant>()
  readonly #leases = new Map<string, TrueLease>()
  readonly #activeReads = new Map<string, number>()
  readonly #revealed: { session: CloudSession; atMs: number; grantId: string }[] = []
  readonly #denied = new Set<CloudSession>()
  readonly #keys = new Map<string, string>()
  readonly #scheduler: Scheduler
  readonly #cloud: Cloud
  /** Told of each fact, for a trace. */
  readonly #note: (fact: string) => void
  broken: Broken | undefined
  answers = 0

  readonly #leaseMs: number

  constructor(deps: { scheduler: Scheduler; cloud: Cloud; leaseMs: number; note: (fact: string) => void }) {
    this.#leaseMs = deps.leaseMs
    this.#scheduler = deps.scheduler
    this.#cloud = deps.cloud
    this.#note = deps.note
    this.#cloud.onSession = (session) => this.#checkSession(session)
    this.#cloud.onPolicyInForce = (policyArn) => this.#checkDenied(policyArn)
  }

  expect(holds: boolean, promise: string): void {
    if (holds || this.broken) return
    this.broken = new Broken(promise)
    this.#note(`BROKEN ${promise}`)
  }

  /** A unit is durable. */
  committed(name: keyof Ledger, input: unknown, result: unknown): void {
    if (name === 'openGrant') this.#opened(input as OpenGrant, result as Awaited<ReturnType<Ledger['openGrant']>>)
    else if (name === 'intendLease') {
      const { grant, lease } = result as { grant: Grant; lease: Lease }
      this.#moved(grant)
      const truth = this.grants.get(grant.id)
      if (truth) truth.collectedMs ??= this.#scheduler.nowMs
      this.#leases.set(lease.sessionName, { lease, issuedMs: undefined })
      this.#note(`lease ${lease.number} of ${grant.id} intended`)
    } else if (name === 'settleLease') this.#settled(result as Lease)
    else if (name === 'sweepGrants') for (const grant of result as Grant[]) this.#moved(grant)
    else if (name === 'moveGrant') {
      const { approval, grantId, expectedVersion } = input as GrantMove
      const version = this.grants.get(grantId)?.grant.version
      this.expect(
        version === expectedVersion,
        `P11: ${grantId} was moved from version ${expectedVersion}, and was at ${version}`,
      )
      this.#moved(result as Grant, approval?.state === 'approved' ? approval.decidedBy : undefined)
    }
  }

  read(name: keyof Ledger, result: unknown): void {
    if (name !== 'getGrant' || (result as Grant | undefined)?.state !== 'active') return
    this.#activeReads.set((result as Grant).id, this.#scheduler.nowMs)
  }

  /** An answer left the process: from here on the credentials are out. */
  answered(subject: string, key: string, { grant, lease }: GrantAnswer): void {
    this.answers += 1
    const known = this.#keys.get(`${subject} ${key}`) ?? grant.id
    this.expect(known === grant.id, `P3: key ${key} of ${subject} has the grants ${known} and ${grant.id}`)
    this.#keys.set(`${subject} ${key}`, known)
    this.expect(this.grants.has(grant.id), `P1: grant ${grant.id} was answered and is not on record`)
    if (!lease) return
    const { accessKeyId, id } = { id: lease.lease.id, accessKeyId: lease.credentials.accessKeyId }
    const session = this.#cloud.sessions.find((one) => one.accessKeyId === accessKeyId)
    this.expect(session !== undefined, `P18: lease ${id} has credentials that no cloud made`)
    if (session) this.#revealedBy(session, grant.id)
  }

  #revealedBy(session: CloudSession, grantId: string): void {
    const nowMs = this.#scheduler.nowMs
    const { sessionName, accessKeyId } = session
    this.#note(`revealed ${sessionName}`)
    this.#revealed.push({ session, atMs: nowMs, grantId })
    const known = this.#leases.get(sessionName)
    this.expect(
      known?.lease.accessKeyId === accessKeyId,
      `P1: ${sessionName} was revealed before it was on record as issued`,
    )
    this.expect(known?.lease.grantId === grantId, `P1: ${sessionName} was revealed under another grant`)
    const truth = this.grants.get(grantId)
    const lookedMs = this.#activeReads.get(grantId) ?? Number.NEGATIVE_INFINITY
    this.expect(
      lookedMs >= (known?.issuedMs ?? 0),
      `P6: nobody looked whether ${grantId} is active before ${sessionName} was revealed`,
    )
    if (!truth || !known) return
    this.expect(
      session.endMs - nowMs <= this.#leaseMs + CLOCK_ERROR_MS,
      `P7: ${sessionName} works for ${(session.endMs - nowMs) / 1_000} s`,
    )
    const ttlMs = (truth.plan?.task.ttlSeconds ?? 0) * 1_000
    const overMs = session.endMs - ((truth.collectedMs ?? 0) + ttlMs)
    this.expect(overMs <= CLOCK_ERROR_MS, `P7: ${sessionName} works ${overMs / 1_000} s beyond what was granted`)
  }

  #opened(input: OpenGrant, result: Awaited<ReturnType<Ledger['openGrant']>>): void {
    const { grant } = result
    if (result.kind === 'existing') return
    const collectedMs = result.lease ? this.#scheduler.nowMs : undefined
    const fresh = { approvedBy: undefined, endingMs: undefined, endedMs: undefined }
    this.grants.set(grant.id, { grant, plan: input.plan, collectedMs, ...fresh })
    this.#note(`${grant.id} of ${grant.subject} is ${grant.state}`)
    if (result.lease) this.#leases.set(result.lease.sessionName, { lease: result.lease, issuedMs: undefined })
  }

  #settled(lease: Lease): void {
    const known = this.#leases.get(lease.sessionName)
    const issuedMs = lease.state === 'issued' ? this.#scheduler.nowMs : known?.issuedMs
    this.#leases.set(lease.sessionName, { lease, issuedMs })
    this.#note(`${lease.sessionName} is ${lease.outcomeUnknown ? 'of unknown outcome' : lease.state}`)
    if (lease.end !== 'not_minted') return
    const made = this.#cloud.sessions.find(({ sessionName }) => sessionName === lease.sessionName)
    this.expect(made === undefined, `P2: ${lease.sessionName} is on record as not minted, and STS made it`)
  }

  #moved(grant: Grant, approvedBy?: string): void {
    const known = this.grants.get(grant.id)
    this.expect(known !== undefined, `P1: ${grant.id} moved and was never recorded`)
    if (!known) return
    const nowMs = this.#scheduler.nowMs
    const before = known.grant.state
    this.expect(LATER[before].includes(grant.state), `${grant.id} went from ${before} to ${grant.state}`)
    if (before !== grant.state) this.#note(`${grant.id} is ${grant.state} (${grant.reason ?? ''})`)
    known.grant = grant
    known.approvedBy ??= approvedBy
    if (grant.state === 'ending') known.endingMs ??= nowMs
    if (grant.state !== 'ended' || known.endedMs !== undefined) return
    known.endedMs = nowMs
    for (const session of this.#sessionsOf(grant.id)) this.#checkEnded(session, grant)
  }

  /** P2, P15: at the instant at which STS makes a session. */
  #checkSession(session: CloudSession): void {
    const { sessionName, sourceIdentity } = session
    this.#note(`STS made ${sessionName}`)
    const known = this.#leases.get(sessionName)
    this.expect(known !== undefined, `P2: STS made ${sessionName}, and no lease of that name is on record`)
    const truth = known && this.grants.get(known.lease.grantId)
    if (!truth || !known) return
    this.expect(idBody(truth.grant.id) === sourceIdentity, `P2: ${sessionName} has another source identity`)
    this.expect(known.lease.state !== 'ended', `P2: STS made ${sessionName}, whose lease has ended`)
    this.expect(session.endMs <= this.#scheduler.nowMs + 900_000, `P7: ${sessionName} has no end of its own`)
    const needsApproval = truth.plan?.classes.includes('destructive') === true
    this.expect(!needsApproval || truth.approvedBy !== undefined, `P15: ${sessionName} destroys, and nobody approved`)
    if (truth.grant.state === 'ended') this.#checkEnded(session, truth.grant)
  }

  /** P6: nothing of a grant works once it is called ended, unless somebody else has changed the document. */
  #checkEnded(session: CloudSession, grant: Grant): void {
    const { policyArn } = session.role
    if (this.#cloud.isForeign(policyArn) || !this.#cloud.accepts(session)) return
    const leftS = (session.endMs - this.#scheduler.nowMs) / 1_000
    this.expect(
      leftS <= 0,
      `P6: ${grant.id} is ended (${grant.reason}), and ${session.sessionName} works for ${leftS} s more`,
    )
  }

  /** P6: who was denied once stays denied to the end of its session, whatever is written. */
  #checkDenied(policyArn: string): void {
    const nowMs = this.#scheduler.nowMs
    if (this.#cloud.isForeign(policyArn)) return
    for (const session of this.#cloud.sessions) {
      if (session.role.policyArn !== policyArn || session.endMs <= nowMs) continue
      const accepted = this.#cloud.accepts(session)
      const isEnded = this.#grantOf(session)?.endedMs !== undefined
      if (accepted && (isEnded || this.#denied.has(session))) {
        const leftS = (session.endMs - nowMs) / 1_000
        this.expect(leftS <= 0, `P6: ${session.sessionName} was denied, and works again for ${leftS} s`)
      }
      if (!accepted) this.#denied.add(session)
    }
  }

  #grantOf(session: CloudSession): TrueGrant | undefined {
    const known = this.#leases.get(session.sessionName)
    return known && this.grants.get(known.lease.grantId)
  }

  #sessionsOf(grantId: string): CloudSession[] {
    const body = idBody(grantId)
    return this.#cloud.sessions.filter(({ sourceIdentity }) => sourceIdentity === body)
  }

  /** What must hold at the end, when everything is over: the ledger agrees with the truth, and every grant has ended. */
  async checkRecord(ledger: Ledger): Promise<void> {
    const counts = new Map<GrantState, number>()
    const open = new Map<string, number>()
    const keys = new Set<string>()
    for (let cursor: string | undefined; ; ) {
      const page = await ledger.listGrants({}, { limit: 200, ...(cursor && { cursor }) })
      for (const grant of page.items) {
        counts.set(grant.state, (counts.get(grant.state) ?? 0) + 1)
        const isFinal = FINAL_STATES.some((state) => state === grant.state)
        if (!isFinal) open.set(grant.subject, (open.get(grant.subject) ?? 0) + 1)
        this.expect(!keys.has(`${grant.subject} ${grant.idempotencyKey}`), `P3: two grants for ${grant.idempotencyKey}`)
        keys.add(`${grant.subject} ${grant.idempotencyKey}`)
        this.expect(isFinal, `P10: ${grant.id} is still ${grant.state}, due at ${grant.dueAt?.toISOString()}`)
        const truth = this.grants.get(grant.id)
        this.expect(
          truth?.grant.state === grant.state,
          `the ledger has ${grant.id} as ${grant.state}, it was ${truth?.grant.state}`,
        )
      }
      cursor = page.nextCursor
      if (!cursor) break
    }
    this.expect(
      keys.size === this.grants.size,
      `P1: ${this.grants.size} grants were acknowledged, ${keys.size} are on record`,
    )
    for (const [state, count] of Object.entries(await ledger.countGrants()))
      this.expect(count === (counts.get(state as GrantState) ?? 0), `the counter of ${state} says ${count}`)
    for (const { grant } of this.grants.values())
      this.expect(
        (await ledger.countOpenGrants(grant.subject)) === (open.get(grant.subject) ?? 0),
        `the counter of ${grant.subject}`,
      )
    for (const { lease } of this.#leases.values()) {
      const rows = await ledger.listLeases(lease.grantId)
      this.expect(
        rows.some(({ sessionName }) => sessionName === lease.sessionName),
        `P2: ${lease.sessionName} is not in the ledger`,
      )
    }
  }
}
