import { describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { listChosenApprovals, listChosenGrants } from '../../../src/grants/operators/agent-choice.ts'
import type { Approval, Grant } from '../../../src/ledger/records.ts'

const CI = 'spiffe://example.org/ci/a'
const grant = (id: number, registration: string, subject = CI) => ({ id: `grt_${id}`, registration, subject }) as Grant
/** Newest first. */
const GRANTS = [
  grant(6, 'bot'),
  grant(5, 'ci'),
  grant(4, 'bot'),
  grant(3, 'ci'),
  grant(2, 'ci', `${CI}2`),
  grant(1, 'bot'),
]

function ledgerOf(grants: readonly Grant[], damaged: readonly string[] = []) {
  const page = <T>(items: readonly T[], { limit, cursor = '0' }: { limit: number; cursor?: string }) => {
    const end = Number(cursor) + limit
    return { items: items.slice(Number(cursor), end), ...(end < items.length && { nextCursor: String(end) }) }
  }
  return {
    listGrants: async ({ subject }: { subject?: string }, asked: { limit: number; cursor?: string }) =>
      page(
        grants.filter((one) => subject === undefined || one.subject === subject),
        asked,
      ),
    listApprovals: async (_: object, asked: { limit: number; cursor?: string }) =>
      page(
        grants.map(({ id }) => ({ id: id.replace('grt', 'apr'), grantId: id }) as Approval),
        asked,
      ),
    getGrant: async (id: string) => {
      if (damaged.includes(id)) throw new StintError('LEDGER_CORRUPT')
      return grants.find((one) => one.id === id)
    },
  }
}
const parts = (grants = GRANTS, damaged: string[] = []) => ({
  ledger: ledgerOf(grants, damaged),
  isRegistered: async (name: string) => name === 'idle',
})

describe('the lists of some agents', () => {
  for (const { agent, ids } of [
    { agent: 'ci', ids: [5, 3, 2] },
    { agent: CI, ids: [6, 5, 4, 3, 1] },
    { agent: 'spiffe://example.org/nobody', ids: [] },
    { agent: 'idle', ids: [] },
  ])
    for (const limit of [1, 2, 4, 100])
      test(`by ${agent}, ${limit} a page: all of theirs, each once`, async () => {
        const found: string[] = []
        const approvals: string[] = []
        for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
          const page = await listChosenGrants(parts(), agent, {}, { limit, ...(cursor !== undefined && { cursor }) })
          expect(page.items.length).toBeLessThanOrEqual(limit)
          found.push(...page.items.map(({ id }) => id))
          cursor = page.nextCursor
        }
        for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
          const page = await listChosenApprovals(parts(), agent, {}, { limit, ...(cursor !== undefined && { cursor }) })
          approvals.push(...page.items.map(({ id }) => id))
          cursor = page.nextCursor
        }
        expect(found).toEqual(ids.map((id) => `grt_${id}`))
        expect(approvals).toEqual(ids.map((id) => `apr_${id}`))
      })

  test('a name that neither a registration nor a grant has is an error, not an empty list', async () => {
    const unknown = { code: 'REGISTRATION_NOT_FOUND' }
    await expect(listChosenGrants(parts(), 'cy', {}, { limit: 10 })).rejects.toMatchObject(unknown)
    await expect(listChosenApprovals(parts(), 'cy', {}, { limit: 10 })).rejects.toMatchObject(unknown)
  })

  test('an approval whose grant is damaged hides no other', async () => {
    const { items } = await listChosenApprovals(parts(GRANTS, ['grt_5']), 'ci', {}, { limit: 10 })
    expect(items.map(({ id }) => id)).toEqual(['apr_3', 'apr_2'])
  })

  test('one call looks at a part of a long list, and the next goes on', async () => {
    const long = [...Array.from({ length: 100 }, (_, index) => grant(200 - index, 'bot')), grant(1, 'ci')]
    const first = await listChosenGrants(parts(long), 'ci', {}, { limit: 1 })
    expect(first).toEqual({ items: [], nextCursor: '50' })
  })
})
