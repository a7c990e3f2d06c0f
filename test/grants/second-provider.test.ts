import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { Secret } from '../../src/core/secret.ts'
import type {
  CredentialProvider,
  DenyListContent,
  DenyListLocation,
  DenyWindow,
  IssuedCredentials,
  MintRequest,
} from '../../src/credentials/provider.ts'
import type { Lease } from '../../src/ledger/records.ts'
import { recordOf } from '../support/audit-record.ts'
import { caller, OSCAR, openHarness, task } from '../support/grant-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'

const DENY_MS = 7_000

/** A provider that is not AWS: a gate that prints badges, with names, times and a list of its own. */
class BadgeGate implements CredentialProvider {
  readonly name = 'badge-gate'
  readonly mintTimeoutMs = 1_000
  readonly asked: MintRequest[] = []
  readonly lists: { key: string; list: DenyListContent }[] = []
  /** A badge lets its bearer print another, which is good for as long again. */
  badgesPrintBadges = false
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  nameSession({ grantId, number }: { grantId: string; number: number }): string {
    return `badge ${number} for ${grantId}`
  }

  async mint(request: MintRequest): Promise<IssuedCredentials> {
    this.asked.push(request)
    return {
      kind: 'aws',
      id: `badge-${this.asked.length}`,
      accessKeyId: 'not what is on record',
      secretAccessKey: new Secret('canary-badge'),
      sessionToken: new Secret('canary-badge'),
      issuedAt: this.#clock.now(),
      sessionExpiresAt: request.lease.notAfter,
    }
  }

  denyWindow(leases: readonly Lease[]): DenyWindow {
    const lastIssuedMs = Math.max(...leases.map(({ issuedAt, intendedAt }) => (issuedAt ?? intendedAt).getTime()))
    return {
      lastIssuedAt: new Date(lastIssuedMs),
      until: new Date(lastIssuedMs + DENY_MS),
      namesAgent: false,
      outlivesLeases: this.badgesPrintBadges,
    }
  }

  findDenyList(roleArn: string): DenyListLocation {
    return { key: 'the list at the gate', roleArns: [roleArn] }
  }

  denyReach() {
    return { lists: ['the list at the gate'], beyond: [] }
  }

  fits(): boolean {
    return true
  }

  digestDenyList(_key: string, list: DenyListContent): string {
    return JSON.stringify(list)
  }

  async readDenyList() {
    return { digest: JSON.stringify(this.lists.at(-1)?.list), exists: true, at: this.#clock.now() }
  }

  async writeDenyList(key: string, list: DenyListContent): Promise<{ at?: Date }> {
    this.lists.push({ key, list })
    return {}
  }
}

describe('a provider that is not AWS', () => {
  let clock: ManualClock
  let gate: BadgeGate
  let h: Awaited<ReturnType<typeof openHarness<BadgeGate>>>
  beforeEach(async () => {
    clock = new ManualClock()
    gate = new BadgeGate(clock)
    h = await openHarness({ clock, provider: gate })
  })
  afterEach(async () => {
    await h.close()
    h.remove()
  })

  test('names the sessions and the credentials that are on record, in leases and in events', async () => {
    const { grant } = await h.request('key-00000001')
    await h.grants.renewLease(caller(), grant.id, h.signal)
    const leases = await h.ledger.listLeases(grant.id)
    expect(leases.map(({ sessionName, accessKeyId }) => [sessionName, accessKeyId])).toEqual([
      [`badge 1 for ${grant.id}`, 'badge-1'],
      [`badge 2 for ${grant.id}`, 'badge-2'],
    ])
    const events = await recordOf(h.ledger)
    expect(events.filter(({ type }) => type === 'lease.issued').map(({ data }) => data)).toMatchObject(
      leases.map(({ sessionName, accessKeyId }) => ({ sessionName, accessKeyId })),
    )
  })

  test('is given the plan on record and a lease whose name and end are on record', async () => {
    const { grant } = await h.request('key-00000001')
    const [request] = gate.asked
    expect(request?.plan).toEqual(await h.ledger.getPlan(grant.planHash))
    const [lease] = await h.ledger.listLeases(grant.id)
    expect(request?.lease).toMatchObject({ sessionName: lease?.sessionName, notAfter: lease?.notAfter })
  })

  test('says on which list a revoked grant is denied, and until when', async () => {
    const { grant, lease } = await h.request('key-00000001')
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    await h.sweeper.reconcile()
    const issuedMs = lease?.credentials.issuedAt.getTime() ?? Number.NaN
    expect(await h.ledger.findDenyEntry(grant.id)).toMatchObject({
      listKey: 'the list at the gate',
      until: new Date(issuedMs + DENY_MS),
    })
    expect(gate.lists.at(-1)).toEqual({ key: 'the list at the gate', list: { grants: [grant.id] } })
  })

  for (const badgesPrintBadges of [false, true]) {
    const denied = badgesPrintBadges ? 'is denied' : 'is not denied'
    test(`says whether leases leave something behind: a grant at its deadline ${denied}`, async () => {
      gate.badgesPrintBadges = badgesPrintBadges
      const { grant } = await h.request('key-00000001', task(undefined, { ttlSeconds: 60 }))
      await clock.advance(60_000)
      await h.sweeper.sweep()
      expect(await h.ledger.getGrant(grant.id)).toMatchObject({ state: 'ended', reason: 'deadline' })
      expect((await h.ledger.findDenyEntry(grant.id)) !== undefined).toBe(badgesPrintBadges)
    })
  }
})

// `roleArn` stays until a task's target is a oneof: grants and ledger carry it and ask nothing of it.
const AWS_TERM =
  /\bAWS\b|\bSTS\b|\bIAM\b|CloudTrail|AssumeRole|RoleSessionName|SourceIdentity|TokenIssueTime|ASIA|arn:aws|900_000/
for (const room of ['grants', 'ledger']) {
  test(`no file of src/${room} names anything of AWS`, () => {
    const root = new URL(`../../src/${room}/`, import.meta.url).pathname
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(5)
    const named = files.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, at) => (AWS_TERM.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : [])),
    )
    expect(named).toEqual([])
  })
}
