import { isDeepStrictEqual } from 'node:util'
import { parseRoleArn } from '../../../aws/arn.ts'
import type { RoleDocuments } from '../../../aws/role-policies/role-documents.ts'
import { parseRolePattern } from '../../../aws/roles/role-pattern.ts'
import { fillTemplate } from '../../../aws/roles/role-template.ts'
import type { Config } from '../../../config/schema.ts'
import type { Clock } from '../../../core/clock.ts'
import { StintError } from '../../../core/errors.ts'
import type { PartHealth } from '../../../core/health/part-health.ts'
import { Slots } from '../../../core/limits/slots.ts'
import type { AwsStsProvider } from '../../../credentials/aws-sts/provider.ts'
import type { AccountReading, AccountToRead } from '../../../credentials/aws-sts/role-reader/role-readers.ts'
import { readSecret } from '../../aws/secret-files.ts'
import { definePart } from '../../part.ts'
import type { Surroundings } from '../../surroundings.ts'
import type { FollowingRolePolicies } from './role-policies.ts'

interface Needs extends Surroundings {
  readonly provider: Pick<AwsStsProvider, 'openRoleReaders'>
  readonly rolePolicies: Pick<FollowingRolePolicies, 'setRead'>
}

/** Accounts that are read at the same time. */
const ACCOUNTS_AT_ONCE = 8
/** The start of the broker waits so long for the first reading: a plan that does not know the policies has another hash. */
const FIRST_READING_MS = 20_000
/** An account that could not be read is read again after this time, if not sooner. */
const RETRY_MS = 300_000

/** Reads the policies of roles from IAM, account by account (`reach.reader`). */
export const roleReader = definePart({
  name: 'roleReader',
  async start({ config, liveConfig, clock, partHealth, provider, rolePolicies }: Needs) {
    const reader = config.reach?.reader
    if (!reader) return { value: undefined }
    const readers = provider.openRoleReaders()
    const reading = new RoleReading({ read: readers.read, everyMs: reader.every, clock, partHealth, rolePolicies })
    await inTime(clock, reading.follow(accountsToRead(config.roles, reader)))
    liveConfig.follow('roleReader', (next) => {
      if (isDeepStrictEqual(next.roles, liveConfig.current().roles)) return () => undefined
      const accounts = accountsToRead(next.roles, reader)
      return () => void reading.follow(accounts)
    })
    return {
      value: undefined,
      stop: async () => {
        await reading.stop()
        readers.close()
      },
    }
  },
})

type Reader = NonNullable<NonNullable<Config['reach']>['reader']>

/** The accounts of the roles that the configuration spells. Agents make up the names of others, so those are not read. */
function accountsToRead(roles: Config['roles'], { roleArn: template, externalIdFile }: Reader): AccountToRead[] {
  const spelled = new Set(roles.flatMap(({ arn, accounts }) => parseRolePattern(arn, accounts)?.spelled ?? []))
  const parsed = [...spelled].flatMap((roleArn) => parseRoleArn(roleArn) ?? [])
  return [...Map.groupBy(parsed, (role) => fillTemplate(template, role))].flatMap(([readerArn, found]) => {
    const [place] = found
    if (!place) return []
    const externalId = externalIdFile && (() => readSecret(fillTemplate(externalIdFile, place)))
    return [{ place, readerArn, roleArns: found.map(({ text }) => text), ...(externalId && { externalId }) }]
  })
}

interface ReadingDeps {
  readonly read: (account: AccountToRead, signal: AbortSignal) => Promise<AccountReading>
  readonly everyMs: number
  readonly clock: Clock
  readonly partHealth: Pick<PartHealth, 'report' | 'failed' | 'well'>
  readonly rolePolicies: Pick<FollowingRolePolicies, 'setRead'>
}

/** Reads accounts again and again, each in a loop of its own. What could not be read stays as it was. */
class RoleReading {
  readonly #deps: ReadingDeps
  readonly #slots: Slots
  readonly #known = new Map<string, RoleDocuments>()
  #accounts: readonly AccountToRead[] = []
  #stop = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()

  constructor(deps: ReadingDeps) {
    this.#deps = deps
    this.#slots = new Slots({ clock: deps.clock, slots: ACCOUNTS_AT_ONCE })
  }

  /** Reads these accounts from now on. @returns when each has been tried once */
  async follow(accounts: readonly AccountToRead[]): Promise<void> {
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#forget(accounts)
    const loops = accounts.map((account) => this.#loop(account, this.#stop.signal))
    this.#loops = Promise.all([this.#loops, ...loops.map(({ ended }) => ended)])
    await Promise.all(loops.map(({ first }) => first))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loops
  }

  #forget(accounts: readonly AccountToRead[]): void {
    const wanted = new Set(accounts.flatMap(({ roleArns }) => roleArns))
    for (const roleArn of this.#known.keys()) if (!wanted.has(roleArn)) this.#known.delete(roleArn)
    for (const account of this.#accounts) this.#deps.partHealth.well(component(account))
    this.#accounts = accounts
    this.#deps.rolePolicies.setRead(new Map(this.#known))
  }

  #loop(account: AccountToRead, signal: AbortSignal): { first: Promise<void>; ended: Promise<void> } {
    const { clock, everyMs } = this.#deps
    const { promise: first, resolve: tried } = Promise.withResolvers<void>()
    const run = async () => {
      while (!signal.aborted) {
        const isRead = await this.#readOnce(account, signal)
        tried()
        // With jitter, so that accounts and replicas do not all ask at the same time.
        const pauseMs = (isRead ? everyMs : Math.min(everyMs, RETRY_MS)) * (0.9 + 0.2 * Math.random())
        await clock.sleep(pauseMs, signal).catch(() => undefined)
      }
      tried()
    }
    return { first, ended: run() }
  }

  /** @returns true if every role of the account was read */
  async #readOnce(account: AccountToRead, signal: AbortSignal): Promise<boolean> {
    const { read, everyMs: maxWaitMs, partHealth, rolePolicies } = this.#deps
    try {
      const release = await this.#slots.acquire({ maxWaitMs, signal })
      if (!release) return false
      const reading = await read(account, signal).finally(release)
      if (signal.aborted) return false
      for (const documents of reading.roles) this.#known.set(documents.roleArn, documents)
      rolePolicies.setRead(new Map(this.#known))
      const problem = findProblem(account, reading)
      partHealth.report(component(account), problem)
      return problem === undefined
    } catch (error) {
      if (!signal.aborted) partHealth.failed(component(account), error)
      return false
    }
  }
}

function component({ place }: AccountToRead): string {
  return `role-policies:${place.accountId}`
}

function findProblem({ place, roleArns }: AccountToRead, { roles, failed, stopped }: AccountReading) {
  const first = stopped ?? failed[0]?.error
  if (!first) return undefined
  const missing = roleArns.length - roles.length
  const explanation = `The policies of ${missing} of ${roleArns.length} roles of account ${place.accountId} could not be read from IAM; plans go on with those read before. ${first.details.explanation ?? ''}`
  return new StintError(first.code, { ...first.details, explanation: explanation.trim() }, first.cause)
}

async function inTime(clock: Clock, work: Promise<void>): Promise<void> {
  const end = new AbortController()
  await Promise.race([work, clock.sleep(FIRST_READING_MS, end.signal).catch(() => undefined)])
  end.abort()
}
