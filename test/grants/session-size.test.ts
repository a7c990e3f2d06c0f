import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SizeForecast } from '../../src/credentials/session-size.ts'
import { caller, DECISIONS, type Harness, openHarness, task } from '../support/grant-harness.ts'

const AT = new Date('2026-11-21T11:59:00Z')
const UNTIL = new Date('2026-11-21T12:59:00Z')
const REFUSED = { kind: 'refused', at: AT, until: UNTIL, percent: 104, explanation: 'It was refused.' } as const
const FULL = { kind: 'predicted', percent: 95, tagsPercent: 9, mints: 12, explanation: 'About 95% full.' } as const

let h: Harness
let asked: object[]
beforeEach(async () => {
  h = await openHarness()
  asked = []
})
afterEach(async () => {
  await h.close()
  h.remove()
})

const forecasting = (forecast: SizeForecast) =>
  Object.assign(h.provider, {
    forecastSize: (session: object) => {
      asked.push(session)
      return forecast
    },
  })
const plan = () => h.grants.planTask(caller(), task(), h.signal)

test('a plan says that its session is nearly full, outside of its hash', async () => {
  const before = await plan()
  expect(before.warnings).toEqual([])
  forecasting(FULL)
  const { warnings, plan: planned } = await plan()
  expect(warnings).toEqual([{ kind: 'session_nearly_full', explanation: 'About 95% full.' }])
  expect(planned.hash).toBe(before.plan.hash)
  const { subject } = caller()
  expect(asked).toMatchObject([{ roleArn: planned.task.roleArn, subject, owner: h.rules.owner, team: h.rules.team }])
  expect((await h.request('key-00000001')).lease).toBeDefined()
})

for (const outcome of ['permit', 'approval'] as const)
  test(`a session that the cloud refused lately is refused before there is a grant, on ${outcome}`, async () => {
    h.rules.decision = DECISIONS[outcome]
    forecasting(REFUSED)
    expect((await plan()).warnings).toEqual([{ kind: 'session_too_large', explanation: 'It was refused.' }])
    await expect(h.request('key-00000001')).rejects.toMatchObject({
      code: 'SESSION_POLICY_TOO_LARGE',
      details: { packedPercent: 104, explanation: 'It was refused.' },
    })
    expect(await h.events()).toEqual(['grant.refused'])
    expect(h.provider.sessions).toEqual([])
  })

test('policy is asked first, and a grant that is there already is given all the same', async () => {
  const { grant } = await h.request('key-00000001')
  forecasting(REFUSED)
  expect((await h.request('key-00000001')).grant.id).toBe(grant.id)
  h.rules.decision = DECISIONS.deny
  await expect(h.request('key-00000002')).rejects.toMatchObject({ code: 'POLICY_DENIED' })
})
