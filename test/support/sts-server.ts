import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../src/core/clock.ts'

/** One session that the server has issued. */
export interface StandInSession {
  readonly roleArn: string
  readonly sessionName: string
  readonly sourceIdentity: string
  readonly policy: string
  readonly tags: Readonly<Record<string, string>>
  readonly externalId: string
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

/** What the next call of an operation meets. `answer_lost`: it takes effect, then the connection breaks. */
export type Fault =
  | {
      readonly kind: 'error'
      readonly status: number
      readonly code: string
      readonly message?: string
      readonly skewMs?: number
    }
  | { readonly kind: 'answer_lost' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'garbage'; readonly status?: number; readonly body: string }
  | { readonly kind: 'edit'; readonly edit: (xml: string) => string }
  | { readonly kind: 'date'; readonly skewMs: number }

export interface RecordedRequest {
  readonly action: string
  readonly parameters: Readonly<Record<string, string>>
  readonly headers: IncomingMessage['headers']
}

interface Version {
  readonly id: string
  readonly document: string
  isDefault: boolean
}

const MANAGED_CHARACTERS = 6_144
const INLINE_CHARACTERS = 10_240
const MAX_VERSIONS = 5

/**
 * An HTTP server in the shape of STS and IAM, behind the real SDK clients: it counts sessions, keeps policies and versions
 * with AWS's limits, records what it was sent, and fails as scripted. It checks no signature and evaluates no policy.
 */
export class StsServer {
  readonly sessions: StandInSession[] = []
  /** Credentials made from sessions by GetScopedCredentials. */
  readonly scoped: (StandInSession & { readonly parentKeyId: string })[] = []
  readonly requests: RecordedRequest[] = []
  /** By policy ARN; put an entry in to create a managed policy. */
  readonly #managed = new Map<string, Version[]>()
  /** Names of the roles that have a managed policy attached, by its ARN. */
  readonly attachedTo = new Map<string, string[]>()
  /** By role name, then by policy name. */
  readonly #roles = new Map<string, Map<string, string>>()
  readonly #faults = new Map<string, Fault[]>()
  readonly #clock: Clock
  readonly #server: Server
  #nextVersion = 1
  #meets: ((request: RecordedRequest) => Fault | undefined) | undefined
  #accepted: { readonly accessKeyId: string; readonly otherwise: string } | undefined
  /** Added before each answer. */
  latencyMs: number

  private constructor(clock: Clock, latencyMs: number) {
    this.#clock = clock
    this.latencyMs = latencyMs
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error) => {
        response.writeHead(500)
        response.end(String(error))
      })
    })
  }

  static async start(options: { readonly clock: Clock; readonly latencyMs?: number }): Promise<StsServer> {
    const server = new StsServer(options.clock, options.latencyMs ?? 0)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  addRole(roleName: string): void {
    this.#roles.set(roleName, new Map())
  }

  addManagedPolicy(arn: string, document = '{}'): void {
    this.#managed.set(arn, [{ id: `v${this.#nextVersion++}`, document, isDefault: true }])
  }

  /** From now on calls are answered only if signed with this access key; others are refused with the code. */
  accept(accessKeyId: string, otherwise: string): void {
    this.#accepted = { accessKeyId, otherwise }
  }

  /** The next calls of `action` meet these, one each. */
  script(action: string, ...faults: Fault[]): void {
    this.#faults.set(action, [...(this.#faults.get(action) ?? []), ...faults])
  }

  /** Every call meets what this says of it, before what is scripted; for accounts that fail for a while. */
  whenever(meets: ((request: RecordedRequest) => Fault | undefined) | undefined): void {
    this.#meets = meets
  }

  /** The session that signed a request; undefined for the broker's own keys. */
  sessionOf({ headers }: RecordedRequest): StandInSession | undefined {
    const signer = /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1]
    return this.sessions.find(({ accessKeyId }) => accessKeyId === signer)
  }

  /** Forgets what was scripted and not yet met. */
  clearScript(): void {
    this.#faults.clear()
  }

  /** Sessions that AWS would still accept at an instant. */
  liveSessions(at: Date): StandInSession[] {
    return this.sessions.filter((session) => session.expiresAt > at)
  }

  /** The managed policy's default version. */
  managedDocument(arn: string): string | undefined {
    return this.#managed.get(arn)?.find((version) => version.isDefault)?.document
  }

  versionIds(arn: string): string[] {
    return (this.#managed.get(arn) ?? []).map((version) => version.id)
  }

  inlineDocument(roleName: string, policyName: string): string | undefined {
    return this.#roles.get(roleName)?.get(policyName)
  }

  calls(action: string): RecordedRequest[] {
    return this.requests.filter((request) => request.action === action)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parameters = Object.fromEntries(new URLSearchParams(await text(request)))
    const action = parameters.Action ?? ''
    const recorded: RecordedRequest = { action, parameters, headers: request.headers }
    this.requests.push(recorded)
    if (this.latencyMs > 0) await delay(this.latencyMs)
    const { authorization = '' } = request.headers
    if (this.#accepted && authorization !== '' && !authorization.includes(`Credential=${this.#accepted.accessKeyId}/`))
      return this.#send(response, 403, errorXml(this.#accepted.otherwise))
    const fault = this.#meets?.(recorded) ?? this.#faults.get(action)?.shift()
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'cut') return void request.socket.destroy()
    if (fault?.kind === 'error')
      return this.#send(response, fault.status, errorXml(fault.code, fault.message), fault.skewMs)
    const [status, xml] = this.#answer(action, parameters, /Credential=(\w+)\//.exec(authorization)?.[1] ?? '')
    if (fault?.kind === 'answer_lost') return void request.socket.destroy()
    if (fault?.kind === 'garbage') return this.#send(response, fault.status ?? 200, fault.body)
    this.#send(
      response,
      status,
      fault?.kind === 'edit' ? fault.edit(xml) : xml,
      fault?.kind === 'date' ? fault.skewMs : 0,
    )
  }

  #send(response: ServerResponse, status: number, xml: string, skewMs = 0): void {
    const date = new Date(this.#clock.now().getTime() + skewMs).toUTCString()
    response.writeHead(status, { 'content-type': 'text/xml', date })
    response.end(xml)
  }

  #answer(action: string, parameters: Record<string, string>, caller: string): [number, string] {
    const operation = OPERATIONS[action]
    if (!operation) return [400, errorXml('InvalidAction')]
    try {
      return [200, resultXml(action, operation.call(this, parameters, caller))]
    } catch (error) {
      if (error instanceof Refusal) return [error.status, errorXml(error.code)]
      throw error
    }
  }

  assumeRole(p: Record<string, string>): string {
    const [, account = '', name = ''] = /^arn:aws:iam::(\d*):role\/(?:.*\/)?([^/]+)$/.exec(p.RoleArn ?? '') ?? []
    const issuedAt = new Date(Math.floor(this.#clock.now().getTime() / 1_000) * 1_000)
    const session: StandInSession = {
      roleArn: p.RoleArn ?? '',
      sessionName: p.RoleSessionName ?? '',
      sourceIdentity: p.SourceIdentity ?? '',
      policy: p.Policy ?? '',
      tags: tagsOf(p),
      externalId: p.ExternalId ?? '',
      issuedAt,
      expiresAt: new Date(issuedAt.getTime() + Number(p.DurationSeconds) * 1_000),
      ...newKeys(),
    }
    this.sessions.push(session)
    return [
      credentialsXml(session),
      `<SourceIdentity>${escapeXml(session.sourceIdentity)}</SourceIdentity>`,
      `<AssumedRoleUser><Arn>arn:aws:sts::${account}:assumed-role/${name}/${escapeXml(session.sessionName)}</Arn>`,
      `<AssumedRoleId>${roleIdOf(name)}:${escapeXml(session.sessionName)}</AssumedRoleId></AssumedRoleUser>`,
    ].join('')
  }

  /** As AWS documents it: by the credentials of a session, for that session, never longer than it lives. */
  getScopedCredentials(p: Record<string, string>, caller: string): string {
    const parent = this.sessions.find(({ accessKeyId }) => accessKeyId === caller)
    if (!parent) throw new Refusal(403, 'AccessDenied')
    const now = this.#clock.now()
    if (parent.expiresAt <= now) throw new Refusal(403, 'ExpiredToken')
    const issuedAt = new Date(Math.floor(now.getTime() / 1_000) * 1_000)
    const expiresAt = new Date(issuedAt.getTime() + Number(p.DurationSeconds) * 1_000)
    if (expiresAt > parent.expiresAt) throw new Refusal(400, 'ValidationError')
    const keys = newKeys()
    const made = { ...parent, ...keys, policy: p.Policy ?? '', issuedAt, expiresAt, parentKeyId: parent.accessKeyId }
    this.scoped.push(made)
    return credentialsXml(made)
  }

  /** The token is taken for the access key id of the answer. */
  assumeRoleWithWebIdentity(p: Record<string, string>): string {
    const now = this.#clock.now().getTime()
    return [
      `<Credentials><AccessKeyId>${escapeXml(p.WebIdentityToken ?? '')}</AccessKeyId>`,
      '<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>',
      `<Expiration>${iso(new Date(now + 3_600_000))}</Expiration></Credentials>`,
    ].join('')
  }

  getCallerIdentity(): string {
    return '<Arn>arn:aws:iam::123456789012:user/broker</Arn><UserId>broker</UserId><Account>123456789012</Account>'
  }

  createPolicyVersion(p: Record<string, string>): string {
    const versions = this.#versions(p.PolicyArn)
    const document = p.PolicyDocument ?? ''
    if (document.replace(/\s/g, '').length > MANAGED_CHARACTERS) throw new Refusal(409, 'LimitExceeded')
    if (versions.length >= MAX_VERSIONS) throw new Refusal(409, 'LimitExceeded')
    const isDefault = p.SetAsDefault === 'true'
    if (isDefault) for (const version of versions) version.isDefault = false
    const version = { id: `v${this.#nextVersion++}`, document, isDefault }
    versions.push(version)
    return `<PolicyVersion>${versionXml(version)}</PolicyVersion>`
  }

  listPolicyVersions(p: Record<string, string>): string {
    const members = this.#versions(p.PolicyArn).map((version) => `<member>${versionXml(version)}</member>`)
    return `<IsTruncated>false</IsTruncated><Versions>${members.join('')}</Versions>`
  }

  deletePolicyVersion(p: Record<string, string>): string {
    const versions = this.#versions(p.PolicyArn)
    const at = versions.findIndex((version) => version.id === p.VersionId)
    if (at < 0) throw new Refusal(404, 'NoSuchEntity')
    if (versions[at]?.isDefault) throw new Refusal(409, 'DeleteConflict')
    versions.splice(at, 1)
    return ''
  }

  getPolicy(p: Record<string, string>): string {
    this.#versions(p.PolicyArn)
    return `<Policy><Arn>${p.PolicyArn}</Arn><PermissionsBoundaryUsageCount>1</PermissionsBoundaryUsageCount><AttachmentCount>0</AttachmentCount></Policy>`
  }

  listEntitiesForPolicy(p: Record<string, string>): string {
    this.#versions(p.PolicyArn)
    const names = this.attachedTo.get(p.PolicyArn ?? '') ?? []
    // A page of one, as AWS may answer with fewer than it was asked for.
    const at = Number(p.Marker ?? 0)
    const role = names[at] === undefined ? '' : `<member><RoleName>${names[at]}</RoleName></member>`
    const isTruncated = at + 1 < names.length
    const marker = isTruncated ? `<Marker>${at + 1}</Marker>` : ''
    return `<PolicyRoles>${role}</PolicyRoles><IsTruncated>${isTruncated}</IsTruncated>${marker}`
  }

  getPolicyVersion(p: Record<string, string>): string {
    const version = this.#versions(p.PolicyArn).find(({ id }) => id === p.VersionId)
    if (!version) throw new Refusal(404, 'NoSuchEntity')
    return `<PolicyVersion>${versionXml(version)}<Document>${encodeURIComponent(version.document)}</Document></PolicyVersion>`
  }

  getRolePolicy(p: Record<string, string>): string {
    const document = this.#policies(p.RoleName).get(p.PolicyName ?? '')
    if (document === undefined) throw new Refusal(404, 'NoSuchEntity')
    return `<RoleName>${p.RoleName}</RoleName><PolicyName>${p.PolicyName}</PolicyName><PolicyDocument>${encodeURIComponent(document)}</PolicyDocument>`
  }

  putRolePolicy(p: Record<string, string>): string {
    const policies = this.#policies(p.RoleName)
    const others = [...policies].filter(([name]) => name !== p.PolicyName).map(([, document]) => document)
    const characters = [...others, p.PolicyDocument ?? ''].join('').replace(/\s/g, '').length
    if (characters > INLINE_CHARACTERS) throw new Refusal(409, 'LimitExceeded')
    policies.set(p.PolicyName ?? '', p.PolicyDocument ?? '')
    return ''
  }

  deleteRolePolicy(p: Record<string, string>): string {
    if (!this.#policies(p.RoleName).delete(p.PolicyName ?? '')) throw new Refusal(404, 'NoSuchEntity')
    return ''
  }

  getRole(p: Record<string, string>): string {
    const name = escapeXml(p.RoleName ?? '')
    return `<Role><Path>/</Path><RoleName>${name}</RoleName><RoleId>AROAEXAMPLE</RoleId><Arn>arn:aws:iam::123456789012:role/${name}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>`
  }

  listRolePolicies(p: Record<string, string>): string {
    const names = [...this.#policies(p.RoleName).keys()].map((name) => `<member>${escapeXml(name)}</member>`)
    return `<IsTruncated>false</IsTruncated><PolicyNames>${names.join('')}</PolicyNames>`
  }

  #versions(arn = ''): Version[] {
    const versions = this.#managed.get(arn)
    if (!versions) throw new Refusal(404, 'NoSuchEntity')
    return versions
  }

  #policies(roleName = ''): Map<string, string> {
    const policies = this.#roles.get(roleName)
    if (!policies) throw new Refusal(404, 'NoSuchEntity')
    return policies
  }
}

/** A role's unique id as the server gives it, the first part of aws:userid. */
export function roleIdOf(roleName: string): string {
  return `AROA${Buffer.from(roleName).toString('hex').toUpperCase().slice(0, 16).padEnd(16, '0')}`
}

class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

const OPERATIONS: Readonly<
  Record<string, (this: StsServer, parameters: Record<string, string>, caller: string) => string>
> = {
  AssumeRole: StsServer.prototype.assumeRole,
  GetScopedCredentials: StsServer.prototype.getScopedCredentials,
  AssumeRoleWithWebIdentity: StsServer.prototype.assumeRoleWithWebIdentity,
  GetCallerIdentity: StsServer.prototype.getCallerIdentity,
  CreatePolicyVersion: StsServer.prototype.createPolicyVersion,
  GetPolicyVersion: StsServer.prototype.getPolicyVersion,
  GetRolePolicy: StsServer.prototype.getRolePolicy,
  ListPolicyVersions: StsServer.prototype.listPolicyVersions,
  DeletePolicyVersion: StsServer.prototype.deletePolicyVersion,
  GetPolicy: StsServer.prototype.getPolicy,
  GetRole: StsServer.prototype.getRole,
  ListEntitiesForPolicy: StsServer.prototype.listEntitiesForPolicy,
  PutRolePolicy: StsServer.prototype.putRolePolicy,
  DeleteRolePolicy: StsServer.prototype.deleteRolePolicy,
  ListRolePolicies: StsServer.prototype.listRolePolicies,
}

function newKeys() {
  return {
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: `canary-secret-${randomBytes(12).toString('hex')}`,
    sessionToken: `canary-token-${randomBytes(32).toString('hex')}`,
  }
}

function credentialsXml({ accessKeyId, secretAccessKey, sessionToken, expiresAt }: StandInSession): string {
  return [
    `<Credentials><AccessKeyId>${accessKeyId}</AccessKeyId>`,
    `<SecretAccessKey>${secretAccessKey}</SecretAccessKey>`,
    `<SessionToken>${sessionToken}</SessionToken>`,
    `<Expiration>${iso(expiresAt)}</Expiration></Credentials>`,
  ].join('')
}

function tagsOf(parameters: Record<string, string>): Record<string, string> {
  const tags: Record<string, string> = {}
  for (let n = 1; parameters[`Tags.member.${n}.Key`] !== undefined; n++)
    tags[parameters[`Tags.member.${n}.Key`] ?? ''] = parameters[`Tags.member.${n}.Value`] ?? ''
  return tags
}

function versionXml({ id, isDefault }: Version): string {
  return `<VersionId>${id}</VersionId><IsDefaultVersion>${isDefault}</IsDefaultVersion>`
}

function resultXml(action: string, body: string): string {
  const requestId = '<ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata>'
  return `<${action}Response><${action}Result>${body}</${action}Result>${requestId}</${action}Response>`
}

function errorXml(code: string, message = 'no message'): string {
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error><RequestId>00000000-0000-4000-8000-000000000001</RequestId></ErrorResponse>`
}

function iso(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}

function escapeXml(value: string): string {
  return value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
