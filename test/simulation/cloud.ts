import { deniesSession } from '../support/deny-evaluator.ts'
import { trueDate } from './process.ts'
import type { Scheduler } from './scheduler.ts'

export const ACCOUNT = '123456789012'
const STS_SESSION_MS = 900_000

/** A role of the simulated account, and the managed policy that is its permissions boundary. */
export interface CloudRole {
  readonly arn: string
  readonly policyArn: string
}

/** A session as STS made it. */
export interface CloudSession {
  readonly role: CloudRole
  readonly sessionName: string
  /** The id of its grant, without the prefix. */
  readonly sourceIdentity: string
  readonly accessKeyId: string
  readonly secrets: readonly string[]
  readonly issuedMs: number
  /** When it stops working by itself, whatever is denied: by its policy, or after 900 s. */
  readonly endMs: number
}

interface PolicyVersion {
  readonly id: string
  readonly document: string
  /** When IAM enforces it. */
  readonly inForceMs: number
  readonly isForeign: boolean
}

interface ManagedPolicy {
  /** Versions that IAM keeps, the oldest first; the last accepted one is the default. */
  versions: PolicyVersion[]
  /** Every version that ever was the default, in order of acceptance. */
  readonly accepted: PolicyVersion[]
}

const TEMPLATE = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
})

/** The account as it truly is: sessions, boundaries, and what IAM enforces at which instant. Faults are on the wires, not here. */
export class Cloud {
  readonly sessions: CloudSession[] = []
  readonly roles: readonly CloudRole[]
  /** Called when another document comes into force. */
  onPolicyInForce: (policyArn: string) => void = () => {}
  onSession: (session: CloudSession) => void = () => {}
  readonly #policies = new Map<string, ManagedPolicy>()
  readonly #scheduler: Scheduler
  #keys = 0

  constructor(scheduler: Scheduler, names: readonly string[]) {
    this.#scheduler = scheduler
    this.roles = names.map((name) => ({
      arn: `arn:aws:iam::${ACCOUNT}:role/stint/${name}`,
      policyArn: `arn:aws:iam::${ACCOUNT}:policy/stint-${name}`,
    }))
    const template = { id: 'v1', document: TEMPLATE, inForceMs: 0, isForeign: false }
    for (const { policyArn } of this.roles)
      this.#policies.set(policyArn, { versions: [template], accepted: [template] })
  }

  assumeRole(input: { roleArn: string; sessionName: string; sourceIdentity: string; policy: string }): CloudSession {
    const role = this.roles.find(({ arn }) => arn === input.roleArn)
    if (!role) throw new Error(`no role ${input.roleArn}`)
    const issuedMs = this.#scheduler.nowMs
    this.#keys += 1
    const number = String(this.#keys).padStart(12, '0')
    const session = {
      role,
      sessionName: input.sessionName,
      sourceIdentity: input.sourceIdentity,
      accessKeyId: `ASIA${number}`,
      secrets: [`canary-secret-${number}`, `canary-token-${number}`],
      issuedMs,
      endMs: Math.min(issuedMs + STS_SESSION_MS, policyEndMs(input.policy)),
    }
    this.sessions.push(session)
    this.onSession(session)
    return session
  }

  /** True if a call with the session's credentials would be allowed now: the plan's own actions are taken as allowed. */
  accepts(session: CloudSession): boolean {
    if (session.endMs <= this.#scheduler.nowMs) return false
    const { sourceIdentity, sessionName, issuedMs } = session
    const context = { sourceIdentity, userId: `AROAEXAMPLE:${sessionName}`, issuedAt: trueDate(issuedMs) }
    return !deniesSession(this.#inForce(session.role.policyArn).document, context)
  }

  /** True while IAM enforces what somebody else wrote. */
  isForeign(policyArn: string): boolean {
    return this.#inForce(policyArn).isForeign
  }

  versions(policyArn: string): readonly PolicyVersion[] {
    return this.#policy(policyArn).versions
  }

  /** The newest version is the default, whether or not it is in force. */
  current(policyArn: string): PolicyVersion {
    return this.#policy(policyArn).versions.at(-1) as PolicyVersion
  }

  /** @returns false where IAM has no room for another version */
  createVersion(policyArn: string, document: string, spreadMs: number, isForeign = false): boolean {
    const policy = this.#policy(policyArn)
    if (policy.versions.length >= 5) return false
    const id = `v${policy.accepted.length + 1}`
    const version = { id, document, inForceMs: this.#scheduler.nowMs + spreadMs, isForeign }
    policy.versions.push(version)
    policy.accepted.push(version)
    this.#scheduler.after(spreadMs, () => this.onPolicyInForce(policyArn))
    return true
  }

  deleteVersion(policyArn: string, id: string): boolean {
    const policy = this.#policy(policyArn)
    const kept = policy.versions.filter((version) => version.id !== id)
    const isThere = kept.length < policy.versions.length
    policy.versions = kept
    return isThere
  }

  /** Somebody else writes a document: the bare template, or what stood there before. */
  edit(policyArn: string, document = TEMPLATE): void {
    const policy = this.#policy(policyArn)
    if (policy.versions.length >= 5) policy.versions = policy.versions.slice(1)
    this.createVersion(policyArn, document, 0, document !== this.current(policyArn).document)
  }

  #inForce(policyArn: string): PolicyVersion {
    const { accepted } = this.#policy(policyArn)
    return accepted.findLast(({ inForceMs }) => inForceMs <= this.#scheduler.nowMs) as PolicyVersion
  }

  #policy(policyArn: string): ManagedPolicy {
    const policy = this.#policies.get(policyArn)
    if (!policy) throw new Error(`no policy ${policyArn}`)
    return policy
  }
}

/** The instant from which on the policy denies everything, read from its text alone; never, if it has no such statement. */
function policyEndMs(policy: string): number {
  const { Statement } = JSON.parse(policy) as {
    Statement: {
      Effect: string
      Action?: unknown
      Resource?: unknown
      Condition?: { DateGreaterThanEquals?: Record<string, string> }
    }[]
  }
  const ends = Statement.filter(
    ({ Effect, Action, Resource }) => Effect === 'Deny' && Action === '*' && Resource === '*',
  )
    .map(({ Condition }) => Date.parse(Condition?.DateGreaterThanEquals?.['aws:CurrentTime'] ?? ''))
    .filter(Number.isFinite)
  return ends.length > 0 ? Math.min(...ends) - trueDate(0).getTime() : Number.POSITIVE_INFINITY
}
