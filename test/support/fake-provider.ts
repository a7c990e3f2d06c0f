import type { Clock } from '../../src/core/clock.ts'
import { StintError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { denyWindow } from '../../src/credentials/aws-sts/deny/deny-window.ts'
import { toDenies } from '../../src/credentials/deny-spread.ts'
import type {
  CredentialProvider,
  DenyListContent,
  DenyListLocation,
  DenyReach,
  DenyWindow,
  IssuedCredentials,
  LiveDenyList,
  MintRequest,
} from '../../src/credentials/provider.ts'
import type { DenyMark, Lease } from '../../src/ledger/records.ts'
import type { Plan } from '../../src/plan/plan.ts'

export const ROLE = 'arn:aws:iam::123456789012:role/stint/data'

/** A provider that works, in memory: it keeps every session it made and the deny list it was told to write. */
export class FakeProvider implements CredentialProvider {
  readonly name = 'fake'
  readonly mintTimeoutMs = 20_000
  readonly sessions: MintRequest[] = []
  readonly written: DenyListContent[] = []
  /** Called before each mint: throw to fail it, wait to delay it. */
  beforeMint: (request: MintRequest) => Promise<void> | void = () => {}
  beforeWrite: (list: DenyListContent, key: string) => Promise<void> | void = () => {}
  /** The write is made; an error of it is an answer that got lost. */
  afterWrite: () => void = () => {}
  beforeRead: (key: string) => Promise<void> | void = () => {}
  /** What stands in the document; tests edit it. */
  document: Omit<LiveDenyList, 'at'> = { digest: 'the template', exists: true }
  /** What stands in the further documents of each list, by key. */
  readonly further = new Map<string, Omit<LiveDenyList, 'at'>>()
  /** The cloud's own time; ours unless a test says otherwise. */
  cloudNow = () => this.#clock.now()
  /** False: sessions of the role can only run out. */
  revocable = true
  /** Whether sessions are called so that a watermark of their agent reaches them. */
  namesAgent = false
  /** How many grants the document holds. */
  capacity = 3
  readonly #clock: Clock

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  nameSession({ grantId, number }: { grantId: string; number: number }): string {
    return `session-${number}-of-${grantId}`
  }

  async mint(request: MintRequest, signal: AbortSignal): Promise<IssuedCredentials> {
    await this.beforeMint(request)
    if (signal.aborted) throw new StintError('CANCELLED', { outcome: 'not_minted' })
    this.sessions.push(request)
    const now = this.#clock.now()
    return {
      kind: 'aws',
      id: `KEY-EXAMPLE-${this.sessions.length}`,
      accessKeyId: `KEY-EXAMPLE-${this.sessions.length}`,
      secretAccessKey: new Secret(`canary-secret-${this.sessions.length}`),
      sessionToken: new Secret(`canary-token-${this.sessions.length}`),
      issuedAt: now,
      sessionExpiresAt: new Date(now.getTime() + 900_000),
    }
  }

  /** As STS's sessions need it: the times of the tests are those of AWS. */
  denyWindow(leases: readonly Lease[], plan: Plan | undefined): DenyWindow {
    return { ...denyWindow(leases, plan, 10_000), namesAgent: this.namesAgent }
  }

  findDenyList(roleArn: string): DenyListLocation | undefined {
    return this.revocable ? { key: `inline:${roleArn}`, roleArns: [roleArn] } : undefined
  }

  denyReach(): DenyReach {
    return this.revocable ? { lists: [`inline:${ROLE}`], beyond: [] } : { lists: [], beyond: [ROLE] }
  }

  listDocuments(listKey: string): readonly string[] {
    return [listKey, ...this.further.keys()]
  }

  fits(_target: string, list: DenyListContent): boolean {
    return list.grants.length <= this.capacity
  }

  digestDenyList(_target: string, list: DenyListContent): string {
    return JSON.stringify({ ...list, grants: list.grants.toSorted() })
  }

  /** The grants that a document names. */
  namedIn(key: string): string[] {
    return contentOf((this.further.get(key) ?? this.document).digest).grants.toSorted()
  }

  async readDenyList(target: string, signal?: AbortSignal): Promise<LiveDenyList> {
    await untilAborted(this.beforeRead(target), signal)
    const document = this.further.get(target) ?? this.document
    return { ...document, at: this.cloudNow(), denies: toDenies(contentOf(document.digest)) }
  }

  async writeDenyList(
    target: string,
    list: DenyListContent,
    _signal: AbortSignal,
    mark?: DenyMark,
  ): Promise<{ at: Date }> {
    await this.beforeWrite(list, target)
    this.written.push(list)
    const document = { digest: this.digestDenyList(target, list), exists: true, ...(mark && { mark }) }
    if (this.further.has(target)) this.further.set(target, document)
    else this.document = document
    this.afterWrite()
    return { at: this.cloudNow() }
  }
}

function untilAborted(work: Promise<void> | void, signal: AbortSignal | undefined): Promise<void> {
  const aborted = Promise.withResolvers<void>()
  const stop = () => aborted.reject(new StintError('CANCELLED'))
  signal?.addEventListener('abort', stop, { once: true })
  return Promise.race([Promise.resolve(work), aborted.promise]).finally(() =>
    signal?.removeEventListener('abort', stop),
  )
}

function contentOf(digest: string): DenyListContent {
  if (!digest.startsWith('{')) return { grants: [] }
  const { watermark, agents = [], ...list } = JSON.parse(digest)
  return {
    ...list,
    agents: agents.map((one: { agent: string; before: string }) => ({ ...one, before: new Date(one.before) })),
    ...(watermark && { watermark: new Date(watermark) }),
  }
}
