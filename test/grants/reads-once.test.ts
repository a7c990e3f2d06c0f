import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LedgerReads } from '../../src/ledger/ledger.ts'
import { caller, DECISIONS, type Harness, OLGA, OSCAR, openHarness, task, WRITE } from '../support/grant-harness.ts'

let h: Harness
beforeEach(async () => {
  h = await openHarness()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const READS = [
  'getGrant',
  'findGrantByKey',
  'getPlan',
  'listLeases',
  'getApproval',
  'findApproval',
  'findDenyEntry',
  'getDenyList',
] as const satisfies readonly (keyof LedgerReads)[]

/** Each read that `work` makes, with what it asks for. */
async function readsOf(work: () => Promise<unknown>): Promise<string[]> {
  const made: string[] = []
  const ledger = h.ledger as unknown as Record<string, (...asked: unknown[]) => Promise<unknown>>
  for (const name of READS) {
    const read = ledger[name]
    if (!read) throw new Error(`the ledger has no ${name}`)
    ledger[name] = (...asked) => {
      made.push(`${name} ${JSON.stringify(asked)}`)
      return read(...asked)
    }
  }
  await work()
  return made
}

describe('nothing is read twice by', () => {
  for (const { name, work } of [
    { name: 'a completion', work: (id: string) => h.grants.completeGrant(caller(), id, 'done') },
    { name: 'a revocation', work: (id: string) => h.operators.revokeGrant(OSCAR, id, 'stop it') },
    {
      name: 'a revocation of a grant that only runs out',
      work: async (id: string) => {
        h.provider.revocable = false
        await h.operators.revokeGrant(OSCAR, id, 'stop it')
      },
    },
    {
      name: 'a renewal that policy refuses',
      work: async (id: string) => {
        h.rules.decision = DECISIONS.deny
        await h.grants.renewLease(caller(), id, h.signal).catch(() => {})
      },
    },
  ]) {
    test(name, async () => {
      const { grant } = await h.request('key-00000001', task(WRITE))
      const made = await readsOf(() => work(grant.id))
      expect(made.length).toBeGreaterThan(1)
      expect(made).toEqual([...new Set(made)])
      expect((await h.ledger.getGrant(grant.id))?.state).toBe('ending')
    })
  }

  test('an approval, whose answer is what the ledger has then', async () => {
    h.rules.decision = DECISIONS.approval
    const { grant, approval } = await h.request('key-00000001', task(WRITE))
    const answer = { verdict: 'approve', planHash: grant.planHash, note: 'fine' } as const
    let decided: unknown
    const made = await readsOf(async () => {
      decided = await h.operators.decideApproval(OLGA, approval?.id ?? '', answer)
    })
    expect(made.length).toBeGreaterThan(1)
    expect(made).toEqual([...new Set(made)])
    const known = { approval: await h.ledger.findApproval(grant.id), grant: await h.ledger.getGrant(grant.id) }
    expect(decided).toEqual(known)
  })

  test('a repeated request, which looks at its grant before the credentials leave', async () => {
    const { grant } = await h.request('key-00000001', task(WRITE))
    const made = await readsOf(() => h.request('key-00000001', task(WRITE)))
    expect(made).toContain(`getGrant ["${grant.id}"]`)
    expect(made).toEqual([...new Set(made)])
  })

  test('a renewal, but for the second look at its grant before the credentials leave', async () => {
    const { grant } = await h.request('key-00000001', task(WRITE))
    const made = await readsOf(() => h.grants.renewLease(caller(), grant.id, h.signal))
    expect(made.filter((read, index) => made.indexOf(read) !== index)).toEqual([`getGrant ["${grant.id}"]`])
  })
})
