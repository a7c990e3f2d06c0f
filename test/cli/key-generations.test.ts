import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type GenerationMemory, generationFile, inGenerations } from '../../src/cli/key-generations.ts'
import { StintError } from '../../src/core/errors.ts'
import { explainEnd } from '../../src/sdk/grant-end.ts'
import type { GrantInfo } from '../../src/sdk/types.ts'
import { ManualClock } from '../support/manual-clock.ts'

const TTL_SECONDS = 900
/** A caller in a fresh container. */
const NOTHING: GenerationMemory = { read: async () => undefined, write: async () => undefined }
let clock: ManualClock
let folder: string
/** The grants of a broker: one a key, for ever. */
let grants: Map<string, GrantInfo>

beforeEach(() => {
  clock = new ManualClock('2026-11-27T10:00:00Z')
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  grants = new Map()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function ask(key: string): Promise<string> {
  const found = grants.get(key)
  const grant = found ?? {
    id: `grt_${grants.size + 1}`,
    state: 'active' as const,
    subject: 'spiffe://example.org/agent',
    roleArn: 'arn:aws:iam::123456789012:role/r',
    purpose: 'p',
    planHash: 'h',
    leaseCount: 0,
    requestedAt: clock.now(),
    deadline: new Date(clock.now().getTime() + TTL_SECONDS * 1_000),
  }
  grants.set(key, grant)
  const end = explainEnd(grant)
  if (end) throw end
  return grant.id
}

const request = (memory = generationFile({ XDG_CACHE_HOME: folder }, ['broker', 'reports']), key = 'reports') =>
  inGenerations({
    key,
    ttlSeconds: TTL_SECONDS,
    memory,
    now: () => clock.now(),
    ask,
    getGrant: async (id) => [...grants.values()].find((grant) => grant.id === id) as GrantInfo,
  })

function end(id: string, change: Partial<GrantInfo>): void {
  for (const [key, grant] of grants) if (grant.id === id) grants.set(key, { ...grant, ...change })
}

test('while a grant lives every call is that grant', async () => {
  expect([await request(), await request(), await request()]).toEqual(['grt_1', 'grt_1', 'grt_1'])
  expect([...grants.keys()]).toEqual(['reports.20261127.1'])
})

for (const { name, change } of [
  { name: 'is over', change: { state: 'ended', reason: 'deadline' } },
  { name: 'was completed and runs out', change: { state: 'ending', reason: 'completed' } },
  { name: 'nobody approved in time', change: { state: 'approval_expired' } },
  { name: 'its agent withdrew', change: { state: 'withdrawn' } },
  { name: 'was approved and nobody collected', change: { state: 'ended', reason: 'claim_expired' } },
] as const)
  test(`after a grant that ${name} comes the next, time and again`, async () => {
    for (const id of ['grt_1', 'grt_2', 'grt_3']) {
      expect(await request()).toBe(id)
      end(id, change)
    }
    expect(await request()).toBe('grt_4')
  })

test('calls at the same time meet in one grant, with or without a memory', async () => {
  end(await request(), { state: 'ended', reason: 'deadline' })
  const all = await Promise.all([request(), request(NOTHING), request(), request(NOTHING)])
  expect(new Set(all)).toEqual(new Set(['grt_2']))
})

for (const { name, change, code, standsMs } of [
  { name: 'revoked', change: { state: 'ended', reason: 'revoked' }, code: 'GRANT_NOT_ACTIVE', standsMs: 900_000 },
  { name: 'killed', change: { state: 'ending', reason: 'killed' }, code: 'GRANT_NOT_ACTIVE', standsMs: 900_000 },
  {
    name: 'never minted',
    change: { state: 'ended', reason: 'mint_failed' },
    code: 'GRANT_NOT_ACTIVE',
    standsMs: 900_000,
  },
  { name: 'denied', change: { state: 'denied' }, code: 'POLICY_DENIED', standsMs: 900_000 },
  { name: 'rejected', change: { state: 'rejected' }, code: 'APPROVAL_REJECTED', standsMs: 86_400_000 },
] as const)
  test(`a grant that was ${name} by somebody else stands for its time`, async () => {
    end(await request(), change)
    await expect(request()).rejects.toMatchObject({ code })
    await clock.advance(standsMs - 1)
    await expect(request()).rejects.toMatchObject({ code })
    await clock.advance(1)
    expect(await request()).toBe('grt_2')
  })

test('a grant that lives over midnight goes on; the next one is of the new day', async () => {
  await clock.advance(13.9 * 3_600_000)
  const last = await request()
  await clock.advance(3_600_000)
  expect(await request()).toBe(last)
  end(last, { state: 'ended', reason: 'deadline' })
  await request()
  expect([...grants.keys()]).toEqual(['reports.20261127.1', 'reports.20261128.1'])
})

test('what is no end of a grant is thrown as it is, and asks for nothing more', async () => {
  const tried: string[] = []
  const failing = inGenerations({
    key: 'reports',
    ttlSeconds: TTL_SECONDS,
    memory: undefined,
    now: () => clock.now(),
    ask: async (key) => {
      tried.push(key)
      throw new StintError('BROKER_UNAVAILABLE')
    },
    getGrant: () => Promise.reject(new Error('not asked')),
  })
  await expect(failing).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  expect(tried).toHaveLength(1)
})

test('the longest key stays within the 128 characters of an idempotency key', async () => {
  await request(NOTHING, 'k'.repeat(128))
  await request(NOTHING, 'l'.repeat(128))
  expect([...grants.keys()].map((key) => key.length <= 128)).toEqual([true, true])
})

test('a memory that holds something else, or cannot be kept, is no hindrance', async () => {
  const memory = generationFile({ XDG_CACHE_HOME: folder }, ['broker', 'reports'])
  await memory?.write('../../../etc')
  expect(await request(memory)).toBe('grt_1')
  expect(await memory?.read()).toBe('20261127.1')
  expect(await request(generationFile({ XDG_CACHE_HOME: '/dev/null' }, []))).toBe('grt_1')
  expect(readdirSync(join(folder, 'stint', 'generations'))).toHaveLength(1)
})
