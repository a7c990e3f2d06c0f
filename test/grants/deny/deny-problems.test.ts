import { describe, expect, test } from 'vitest'
import { DenyProblems } from '../../../src/grants/deny/deny-problems.ts'
import type { DenyList } from '../../../src/ledger/records.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const KEY = 'boundary:a'
const LIST: DenyList = { key: KEY, attempts: 0, claimVersion: 7 }

/** Tells of one component under claim 7, and looks again when the ledger has this. @returns whether it is still told */
async function isTold(component: string, later: DenyList[], busy: readonly string[] = []): Promise<boolean> {
  const clock = new ManualClock()
  const board = new Set<string>()
  const problems = new DenyProblems({
    clock,
    ledger: { listDenyLists: async () => later },
    onProblem: (problem) => board.add(problem.component),
    onWell: (each) => board.delete(each),
  })
  problems.claimed(LIST)
  problems.tell(KEY, { component, error: new Error('x') })
  await problems.forgetMended(new Set(busy))
  return board.has(component)
}

describe('P17: a problem of a deny list', () => {
  const failing = { ...LIST, attempts: 2, claimVersion: 9 }
  const documents = (attempts: number) => ({ ...LIST, documents: [{ key: 'attached:b', attempts }] })
  for (const { name, component, later, busy, told } of [
    { name: 'that another replica has written since', component: `deny:${KEY}`, later: [LIST], told: false },
    { name: 'that still fails', component: `deny:${KEY}`, later: [failing], told: true },
    { name: 'that somebody is at', component: `deny:${KEY}`, later: [{ ...LIST, claimedBy: 'x' }], told: true },
    { name: 'that this process is at', component: `deny:${KEY}`, later: [LIST], busy: [KEY], told: true },
    { name: 'that cannot be read', component: `deny:${KEY}`, later: [], told: true },
    { name: 'with a document that still fails', component: 'deny:attached:b', later: [documents(1)], told: true },
    { name: 'with a document that holds again', component: 'deny:attached:b', later: [documents(0)], told: false },
    { name: 'that was changed, and is still ours', component: `deny:${KEY}:changed`, later: [LIST], told: true },
    {
      name: 'that was changed, and that another replica has looked at since',
      component: `deny:${KEY}:changed`,
      later: [{ ...LIST, claimVersion: 8 }],
      told: false,
    },
  ])
    test(`${name} is ${told ? 'still' : 'no longer'} on the status`, async () =>
      expect(await isTold(component, later, busy)).toBe(told))
})
