import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import type { CredentialProvider, IssuedCredentials, MintRequest } from '../../src/credentials/provider.ts'

/** What the service behind the provider does to the next mint. */
export type MintFault = 'refused' | 'throttled' | 'unavailable' | 'unreachable' | 'answer_lost' | 'wrong_session'

/** One provider with the service behind it, for the contract suite. */
export interface ProviderHarness {
  readonly provider: CredentialProvider
  /** A role whose sessions can be revoked. */
  readonly revocableRole: string
  /** A role whose sessions can only run out. */
  readonly plainRole: string
  now(): Date
  /** A complete request for a new grant. */
  request(change?: { roleArn?: string; notAfter?: Date; sessionPolicy?: string }): MintRequest
  /** Every mint meets the fault until `heal`. */
  inject(fault: MintFault): void
  heal(): Promise<void>
  /** Session names that the service knows, however the mint went. */
  sessionNames(): readonly string[]
  /** Whether the documents as the service has them now deny a session of the role. */
  isDenied(roleArn: string, session: { request: MintRequest; issuedAt: Date }): boolean
  close(): Promise<void>
}

const never = new AbortController().signal

/** What every CredentialProvider does, whatever the cloud behind it. */
export function describeCredentialProvider(name: string, start: () => Promise<ProviderHarness>): void {
  describe(`${name} as a CredentialProvider`, () => {
    let harness: ProviderHarness
    beforeAll(async () => {
      harness = await start()
    })
    afterAll(() => harness.close())

    const failure = async (promise: Promise<unknown>): Promise<StintError> => {
      const error = await promise.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (!(error instanceof StintError)) throw new Error(`expected a StintError, got ${inspect(error)}`)
      return error
    }
    const denied = (request: MintRequest, issued: IssuedCredentials) =>
      harness.isDenied(request.lease.roleArn, { request, issuedAt: issued.issuedAt })
    const findList = (roleArn: string) => {
      const list = harness.provider.findDenyList(roleArn)
      if (!list) throw new Error(`${roleArn} has no deny list`)
      return list
    }

    test('mints a session that outlives the lease and hides its secrets from printing', async () => {
      const request = harness.request()
      const issued = await harness.provider.mint(request, never)
      expect(issued.sessionExpiresAt.getTime()).toBeGreaterThan(request.lease.notAfter.getTime())
      expect(harness.sessionNames()).toContain(request.lease.sessionName)
      const printed = inspect(issued, { depth: 10 }) + JSON.stringify(issued)
      expect(printed).not.toContain(issued.secretAccessKey.reveal())
      expect(printed).not.toContain(issued.sessionToken.reveal())
    })

    for (const [fault, code, outcome] of [
      ['refused', 'PROVIDER_REFUSED', 'not_minted'],
      ['throttled', 'PROVIDER_THROTTLED', 'not_minted'],
      ['unavailable', 'PROVIDER_UNAVAILABLE', 'unknown'],
      ['unreachable', 'PROVIDER_UNAVAILABLE', 'not_minted'],
      ['answer_lost', 'PROVIDER_UNAVAILABLE', 'unknown'],
      ['wrong_session', 'PROVIDER_ANSWER_INVALID', 'unknown'],
    ] as const) {
      test(`says ${code} and ${outcome} when the service is ${fault}`, async () => {
        harness.inject(fault)
        const request = harness.request()
        const error = await failure(harness.provider.mint(request, never))
        expect(error.code).toBe(code)
        expect(error.details.outcome).toBe(outcome)
        expect(error.details.explanation).toBeTypeOf('string')
        if (outcome === 'not_minted') expect(harness.sessionNames()).not.toContain(request.lease.sessionName)
        await harness.heal()
        await harness.provider.mint(harness.request(), never)
      })
    }

    test('names no two sessions alike, and each always the same', () => {
      const leases = [harness.request(), harness.request()].flatMap(({ grant: { id } }) =>
        [1, 2, 11].map((number) => ({ grantId: id, number, agent: 'spiffe://example.org/bot' })),
      )
      const names = leases.map((lease) => harness.provider.nameSession(lease))
      expect(new Set(names).size).toBe(leases.length)
      expect(leases.map((lease) => harness.provider.nameSession(lease))).toEqual(names)
    })

    test('does not send what the caller has given up', async () => {
      const request = harness.request()
      const error = await failure(harness.provider.mint(request, AbortSignal.abort()))
      expect(error.code).toBe('CANCELLED')
      expect(error.details.outcome).toBe('not_minted')
      expect(harness.sessionNames()).not.toContain(request.lease.sessionName)
    })

    for (const [name, change] of [
      ['a lease that is over', () => ({ notAfter: harness.now() })],
      ['a plan that allows nothing', () => ({ sessionPolicy: '{"Version":"2012-10-17","Statement":[]}' })],
      ['a plan without a session policy', () => ({ sessionPolicy: '' })],
      ['a role that is not served', () => ({ roleArn: 'arn:aws:iam::999999999999:role/stranger' })],
    ] as const) {
      test(`refuses ${name} before anything is sent`, async () => {
        const before = harness.sessionNames().length
        const error = await failure(harness.provider.mint(harness.request(change()), never))
        expect(error.retryable).toBe(false)
        expect(error.details.outcome).toBe('not_minted')
        expect(harness.sessionNames()).toHaveLength(before)
      })
    }

    test('denies a listed grant, spares its neighbour, and frees it when the list is written without it', async () => {
      const [first, second] = [harness.request(), harness.request()]
      const [one, two] = [await harness.provider.mint(first, never), await harness.provider.mint(second, never)]
      const { key } = findList(harness.revocableRole)
      await harness.provider.writeDenyList(key, { grants: [first.grant.id] }, never)
      expect([denied(first, one), denied(second, two)]).toEqual([true, false])
      await harness.provider.writeDenyList(key, { grants: [first.grant.id] }, never)
      expect([denied(first, one), denied(second, two)]).toEqual([true, false])
      await harness.provider.writeDenyList(key, { grants: [] }, never)
      await harness.provider.writeDenyList(key, { grants: [] }, never)
      expect([denied(first, one), denied(second, two)]).toEqual([false, false])
    })

    test('reads back what stands in the document, by whom, and what the time is in the cloud', async () => {
      const { key } = findList(harness.revocableRole)
      const list = { grants: [harness.request().grant.id] }
      const mark = { ledgerId: '01KAM0123ABC', epoch: 2, sequence: 7 }
      await harness.provider.writeDenyList(key, list, never, mark)
      const live = await harness.provider.readDenyList(key, never)
      expect(live).toMatchObject({ digest: harness.provider.digestDenyList(key, list), exists: true, mark })
      expect(Math.abs((live.at?.getTime() ?? 0) - harness.now().getTime())).toBeLessThan(2_000)
      await harness.provider.writeDenyList(key, { grants: [] }, never)
      const empty = await harness.provider.readDenyList(key, never)
      expect(empty.digest).toBe(harness.provider.digestDenyList(key, { grants: [] }))
      expect(empty.digest).not.toBe(live.digest)
    })

    test('denies every session that was issued before the watermark', async () => {
      const request = harness.request()
      const issued = await harness.provider.mint(request, never)
      const { key } = findList(harness.revocableRole)
      const watermark = new Date(Math.ceil((issued.issuedAt.getTime() + 1_000) / 1_000) * 1_000)
      await harness.provider.writeDenyList(key, { grants: [], watermark }, never)
      expect(denied(request, issued)).toBe(true)
      expect(harness.isDenied(request.lease.roleArn, { request, issuedAt: watermark })).toBe(false)
      await harness.provider.writeDenyList(key, { grants: [] }, never)
    })

    test('knows the room of a document, and what reaches a role', () => {
      const list = findList(harness.revocableRole)
      expect(list.roleArns).toContain(harness.revocableRole)
      expect(harness.provider.findDenyList(harness.plainRole)).toBeUndefined()
      expect(harness.provider.fits(list.key, { grants: [] })).toBe(true)
      const many = Array.from({ length: 1_000 }, () => harness.request().grant.id)
      expect(harness.provider.fits(list.key, { grants: many })).toBe(false)
    })

    test('refuses a list that could deny strangers', async () => {
      const { key } = findList(harness.revocableRole)
      const error = await failure(harness.provider.writeDenyList(key, { grants: ['*'] }, never))
      expect(error.code).toBe('REQUEST_INVALID')
    })

    test('has no room in a deny list that no role has, and refuses to write it', async () => {
      expect(harness.provider.fits('boundary:arn:aws:iam::1:policy/x', { grants: [] })).toBe(false)
      const error = await failure(
        harness.provider.writeDenyList('boundary:arn:aws:iam::1:policy/x', { grants: [] }, never),
      )
      expect(error.code).toBe('PROVIDER_REFUSED')
    })
  })
}
