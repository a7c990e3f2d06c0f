import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { PolicyLayers } from '../policies/evaluate.ts'
import type { RequestContext } from '../policies/glob.ts'
import { type PolicyDocument, parsePolicy } from '../policies/policy-document.ts'
import { AwsFault } from '../wire/aws-fault.ts'
import { Timeline } from './timeline.ts'

/** A policy as text (what IAM gives back) and as parsed (what is enforced). */
export interface StoredPolicy {
  readonly text: string
  readonly document: PolicyDocument
}

/** One version of a managed policy; never changes. */
export interface PolicyVersion {
  readonly id: string
  readonly policy: StoredPolicy
  readonly createdAt: Date
}

/** A customer-managed policy; `inForce` is its default version as enforcement sees it. */
export interface ManagedPolicy {
  readonly arn: string
  readonly name: string
  readonly path: string
  readonly policyId: string
  readonly createdAt: Date
  versions: readonly PolicyVersion[]
  defaultVersionId: string
  nextVersion: number
  readonly inForce: Timeline<PolicyDocument>
}

/** All that may change of a role; replaced whole on every write. `deleted` ends its sessions once it is enforced. */
export interface RoleState {
  readonly deleted: boolean
  readonly trust: StoredPolicy
  readonly inline: ReadonlyMap<string, StoredPolicy>
  /** ARNs of the managed policies that are attached to it. */
  readonly attached: readonly string[]
  readonly boundaryArn?: string
}

/** A role; all of it that can change is in `state`. */
export interface Role {
  readonly arn: string
  readonly name: string
  readonly path: string
  readonly roleId: string
  readonly accountId: string
  readonly createdAt: Date
  readonly maxSessionSeconds: number
  readonly state: Timeline<RoleState>
}

/** A caller with keys that do not end: what `addPrincipal` makes. */
export interface Principal {
  readonly arn: string
  readonly principalArn: string
  readonly userId: string
  readonly accountId: string
  readonly isRole: boolean
  readonly identity: readonly PolicyDocument[]
  readonly secretAccessKey: string
}

/** One AssumeRole that took effect, without its secrets. */
export interface PracticeSession {
  readonly accessKeyId: string
  /** `arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME` */
  readonly arn: string
  readonly roleArn: string
  readonly sessionName: string
  readonly sourceIdentity?: string
  readonly tags: Readonly<Record<string, string>>
  readonly transitiveTagKeys: readonly string[]
  readonly issuedAt: Date
  readonly expiresAt: Date
  /** The inline session policy as it was sent. */
  readonly sessionPolicy?: string
  readonly policyArns: readonly string[]
  /** ARN of the caller of AssumeRole. */
  readonly issuedTo: string
}

/** A session with what proves it. */
export interface StoredSession {
  readonly view: PracticeSession
  readonly role: Role
  readonly secretAccessKey: string
  readonly tokenHash: Buffer
  parsedPolicy?: PolicyDocument
}

/** The signer of a request, with all that authorization needs to know. */
export type Caller = (
  | { readonly kind: 'principal'; readonly accessKeyId: string; readonly principal: Principal }
  | { readonly kind: 'session'; readonly accessKeyId: string; readonly session: StoredSession }
) & {
  /** Where the request came from, if it came over the network. */
  readonly sourceIp?: string
}

/** Everything the practice cloud remembers. One account owns all that is created without an account of its own. */
export class PracticeState {
  readonly clock: Clock
  readonly accountId: string
  readonly maxSessions: number
  propagationDelayMs: number
  readonly principals = new Map<string, Principal>()
  readonly sessions = new Map<string, StoredSession>()
  /** By ARN; a deleted role leaves here, while its sessions still refer to it. */
  readonly roles = new Map<string, Role>()
  readonly policies = new Map<string, ManagedPolicy>()

  constructor(options: {
    readonly clock: Clock
    readonly accountId: string
    readonly propagationDelayMs: number
    readonly maxSessions: number
  }) {
    this.clock = options.clock
    this.accountId = options.accountId
    this.propagationDelayMs = options.propagationDelayMs
    this.maxSessions = options.maxSessions
  }

  /** Keeps a session; the oldest is forgotten (its keys stop working) when there are too many. */
  addSession(session: StoredSession): void {
    if (this.sessions.size >= this.maxSessions) {
      const oldest = this.sessions.keys().next()
      if (!oldest.done) this.sessions.delete(oldest.value)
    }
    this.sessions.set(session.view.accessKeyId, session)
  }

  /** Replaces parts of a role: visible to IAM reads now, enforced after the propagation delay. */
  changeRole(role: Role, change: (state: RoleState) => RoleState): void {
    const nowMs = this.clock.now().getTime()
    role.state.set(change(role.state.latest), nowMs, nowMs + this.propagationDelayMs)
  }

  /** @param afterMs how long until the role can be assumed; 0 for what the stage is set up with. */
  createRole(
    spec: {
      readonly arn: string
      readonly trust: string
      readonly inline?: Readonly<Record<string, string>>
      readonly attached?: readonly string[]
      readonly boundaryArn?: string
      readonly maxSessionSeconds?: number
    },
    afterMs: number,
  ): Role {
    const { accountId, path, name } = splitArn(spec.arn, 'role')
    if (this.roles.has(spec.arn))
      throw new AwsFault('EntityAlreadyExists', 409, `Role with name ${name} already exists.`)
    if (this.roles.size >= 1_000)
      throw new AwsFault('LimitExceeded', 409, 'Cannot exceed quota for RolesPerAccount: 1000')
    const inline = new Map(Object.entries(spec.inline ?? {}).map(([key, text]) => [key, storePolicy(text)]))
    const state = {
      deleted: false,
      trust: { text: spec.trust, document: parsePolicy(spec.trust, 'trust') },
      inline,
      attached: spec.attached ?? [],
      ...(spec.boundaryArn === undefined ? {} : { boundaryArn: spec.boundaryArn }),
    }
    const now = this.clock.now()
    const role: Role = {
      arn: spec.arn,
      name,
      path,
      roleId: randomId('AROA'),
      accountId,
      createdAt: now,
      maxSessionSeconds: spec.maxSessionSeconds ?? 3600,
      state: new Timeline<RoleState>(state, now.getTime() + afterMs),
    }
    this.roles.set(role.arn, role)
    return role
  }

  /** See `createRole`; the first version is `v1`. */
  createPolicy(spec: { readonly arn: string; readonly document: string }, afterMs: number): ManagedPolicy {
    const { path, name } = splitArn(spec.arn, 'policy')
    if (this.policies.has(spec.arn))
      throw new AwsFault(
        'EntityAlreadyExists',
        409,
        `A policy called ${name} already exists. Duplicate names are not allowed.`,
      )
    if (this.policies.size >= 1_500)
      throw new AwsFault('LimitExceeded', 409, 'Cannot exceed quota for PoliciesPerAccount: 1500')
    const now = this.clock.now()
    const stored = storePolicy(spec.document)
    const policy: ManagedPolicy = {
      arn: spec.arn,
      name,
      path,
      policyId: randomId('ANPA'),
      createdAt: now,
      nextVersion: 2,
      defaultVersionId: 'v1',
      versions: [{ id: 'v1', policy: stored, createdAt: now }],
      inForce: new Timeline(stored.document, now.getTime() + afterMs),
    }
    this.policies.set(policy.arn, policy)
    return policy
  }

  /** The policies that limit a caller at `ms`. A boundary that is not in force yet allows nothing. */
  policyLayers(caller: Caller, ms: number): PolicyLayers {
    if (caller.kind === 'principal') return { identity: caller.principal.identity }
    const { session } = caller
    const role = session.role.state.at(ms)
    if (role === undefined || role.deleted) return { identity: [] }
    const own = [...role.inline.values()].map((policy) => policy.document)
    const identity = [...own, ...this.#inForce(role.attached, ms)]
    const boundary = role.boundaryArn === undefined ? {} : { boundary: this.#inForce([role.boundaryArn], ms) }
    const { sessionPolicy, policyArns } = session.view
    if (sessionPolicy === undefined && policyArns.length === 0) return { identity, ...boundary }
    if (sessionPolicy !== undefined) session.parsedPolicy ??= parsePolicy(sessionPolicy, 'permissions')
    const inline = session.parsedPolicy === undefined ? [] : [session.parsedPolicy]
    return { identity, ...boundary, session: [...inline, ...this.#inForce(policyArns, ms)] }
  }

  #inForce(arns: readonly string[], ms: number): PolicyDocument[] {
    return arns.flatMap((arn) => this.policies.get(arn)?.inForce.at(ms) ?? [])
  }
}

/** Parses a permissions policy and keeps its text. @throws {AwsFault} MalformedPolicyDocument. */
export function storePolicy(text: string): StoredPolicy {
  return { text, document: parsePolicy(text, 'permissions') }
}

/** ARN, account and names of a caller, as `GetCallerIdentity` tells them. */
export function identifyCaller(caller: Caller): {
  arn: string
  principalArn: string
  userId: string
  accountId: string
  isRole: boolean
} {
  if (caller.kind === 'principal') return caller.principal
  const { role, view } = caller.session
  return {
    arn: view.arn,
    principalArn: role.arn,
    userId: `${role.roleId}:${view.sessionName}`,
    accountId: role.accountId,
    isRole: true,
  }
}

/** Condition keys that hold for every request of a caller at `ms`. `aws:TokenIssueTime` is cut to the second. */
export function createContext(
  caller: Caller,
  ms: number,
  extra: Iterable<readonly [string, string | readonly string[]]> = [],
): RequestContext {
  const { arn, principalArn, userId, accountId, isRole } = identifyCaller(caller)
  const context = new Map<string, string | readonly string[]>([
    ['aws:currenttime', new Date(ms).toISOString()],
    ['aws:epochtime', String(Math.floor(ms / 1000))],
    ['aws:userid', userId],
    ['aws:principalarn', principalArn],
    ['aws:principalaccount', accountId],
    ['aws:principaltype', isRole ? 'AssumedRole' : 'User'],
    ['aws:viaawsservice', 'false'],
    // Plain HTTP on loopback stands for the TLS endpoint.
    ['aws:securetransport', 'true'],
  ])
  if (caller.sourceIp !== undefined) context.set('aws:sourceip', caller.sourceIp)
  if (!isRole) context.set('aws:username', arn.slice(arn.lastIndexOf('/') + 1))
  if (caller.kind === 'session') {
    const { issuedAt, sourceIdentity, tags } = caller.session.view
    context.set('aws:tokenissuetime', new Date(Math.floor(issuedAt.getTime() / 1000) * 1000).toISOString())
    if (sourceIdentity !== undefined) context.set('aws:sourceidentity', sourceIdentity)
    for (const [key, value] of Object.entries(tags)) context.set(`aws:principaltag/${key.toLowerCase()}`, value)
  }
  for (const [key, value] of extra) context.set(key, value)
  return context
}

/** True if `token` is the one this session was given; compared in constant time. */
export function tokenMatches(session: StoredSession, token: string): boolean {
  return timingSafeEqual(session.tokenHash, hash('sha256', token, 'buffer'))
}

/** A new id in AWS's form: the four-letter prefix and 16 characters of base32. */
export function randomId(prefix: 'AKIA' | 'ASIA' | 'AROA' | 'ANPA' | 'AIDA'): string {
  let id: string = prefix
  for (const byte of randomBytes(16)) id += BASE32[byte & 31]
  return id
}

/** 40 characters, like a secret access key. */
export function randomSecret(): string {
  return randomBytes(30).toString('base64')
}

/** Takes an IAM ARN apart. @throws {AwsFault} ValidationError. */
export function splitArn(
  arn: string,
  kind: 'role' | 'policy' | 'user',
): { accountId: string; path: string; name: string } {
  const match = /^arn:aws:iam::(\d{12}):([a-z]+)(\/(?:[!-.0-~]+\/)*)([\w+=,.@-]{1,128})$/.exec(arn)
  if (match === null || match[2] !== kind)
    throw new AwsFault('ValidationError', 400, `${JSON.stringify(arn.slice(0, 200))} is not the ARN of a ${kind}.`)
  return { accountId: match[1] ?? '', path: match[3] ?? '/', name: match[4] ?? '' }
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
