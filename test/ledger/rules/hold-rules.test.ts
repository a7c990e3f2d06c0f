import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOLD_SCOPES, type Hold, type HoldScope } from '../../../src/ledger/holds/hold-records.ts'
import {
  covers,
  findHold,
  type HoldTarget,
  heldError,
  liftedHold,
  notedHold,
  placedHold,
  requireNotHeld,
  touchedLabels,
} from '../../../src/ledger/rules/hold-rules.ts'
import { samplePlan } from '../../support/ledger-records.ts'
import { at, grant } from './rule-samples.ts'

const hold: Hold = {
  id: 'kil_1',
  kind: 'kill',
  scope: { kind: 'agent', value: grant.subject },
  since: at(0),
  by: 'operator:ada',
  why: 'it deletes',
  version: 1,
}
const lift = { at: at(1_000), by: 'operator:bob', note: 'looked at it' } as const
const lifted: Hold = { ...hold, lifted: lift, version: 2 }
const target: HoldTarget = { ...grant, touches: ['env:prod'] }
const code = (wanted: string) => expect.objectContaining({ code: wanted })

describe('a scope covers', () => {
  const rows: readonly (readonly [scope: HoldScope['kind'], value: string, is: boolean, more?: Partial<HoldTarget>])[] =
    [
      ['everything', '*', true],
      ['grant', grant.id, true],
      ['grant', `${grant.id.slice(0, -1)}${grant.id.endsWith('Z') ? 'Y' : 'Z'}`, false],
      ['agent', 'spiffe://example.org/ci/deploy', true],
      ['agent', 'spiffe://example.org/ci/*', true],
      ['agent', 'spiffe://example.org/ci/deploy2', false],
      ['agent', 'spiffe://example.org/c/*', false],
      ['agent', 'deployer', true],
      ['agent', 'deploy', false],
      ['owner', 'data-team@example.org', true],
      ['owner', 'data-team', false],
      ['team', 'data', true],
      ['team', 'dat', false],
      ['trust_domain', 'example.org', true],
      ['trust_domain', 'xample.org', false],
      ['issuer', 'github', false],
      ['issuer', 'github', true, { trustDomain: 'oidc:github', authMethod: 'oidc' }],
      ['trust_domain', 'oidc:github', true, { trustDomain: 'oidc:github', authMethod: 'oidc' }],
      ['role', 'arn:aws:iam::123456789012:role/stint/agent-data', true],
      ['role', 'arn:aws:iam::123456789012:role/stint/agent-dat', false],
      ['account', '123456789012', true],
      ['account', '12345678901', false],
      ['label', 'env:prod', true],
      ['label', 'env:pro', false],
      ['label', 'env:staging', true, { touches: undefined }],
      ['everything', '*', false, { authMethod: 'broker' }],
      ['agent', grant.subject, false, { authMethod: 'broker' }],
    ]
  for (const [kind, value, is, more = {}] of rows) {
    const what = Object.keys(more).length === 0 ? '' : ` of ${JSON.stringify(more)}`
    test(`${kind} ${value}${what}: ${is ? 'yes' : 'no'}`, () => {
      expect(covers({ kind, value }, { ...target, ...more })).toBe(is)
    })
  }

  test('what a narrower one covers, whatever the grant', () => {
    const word = fc.constantFrom('a', 'b')
    const anyTarget = fc.record({
      ...{ id: word, registration: word, owner: word, team: word },
      subject: word.map((name) => `spiffe://${name}.org/x`),
      trustDomain: word.map((name) => `${name}.org`),
      authMethod: fc.constant('x509-svid' as const),
      roleArn: word.map((name) => `arn:aws:iam::${name === 'a' ? '111111111111' : '222222222222'}:role/${name}`),
      touches: fc.array(word),
    })
    fc.assert(
      fc.property(anyTarget, (one) => {
        const own: Record<HoldScope['kind'], string | undefined> = {
          ...{ everything: '*', grant: one.id, agent: one.subject, owner: one.owner, team: one.team },
          ...{ trust_domain: one.trustDomain, issuer: undefined, role: one.roleArn },
          ...{ account: one.roleArn.split(':')[4], label: one.touches[0] },
        }
        for (const kind of HOLD_SCOPES) {
          const value = own[kind]
          if (value === undefined) continue
          expect(covers({ kind, value }, one), kind).toBe(true)
          if (kind !== 'everything') expect(covers({ kind, value: `${value}z` }, one), `${kind}z`).toBe(false)
        }
      }),
    )
  })
})

describe('a hold', () => {
  test('stops what it covers with the code of its kind, and tells why only if it is public', () => {
    expect(() => requireNotHeld([hold], target)).toThrow(code('KILLED'))
    expect(() => requireNotHeld([{ ...hold, kind: 'suspended' }], target)).toThrow(code('AGENT_SUSPENDED'))
    expect(() => requireNotHeld([{ ...hold, kind: 'offboarded' }], target)).toThrow(code('AGENT_OFFBOARDED'))
    expect(heldError(hold)).toMatchObject({ retryable: false, details: { hold: 'kil_1', since: at(0).toISOString() } })
    expect(heldError(hold).message).toContain('kil_1')
    expect(heldError(hold).message).not.toContain(hold.why)
    expect(heldError({ ...hold, isPublic: true }).message).toContain(hold.why)
  })

  test('stops nothing once it is lifted, nor outside its scope', () => {
    expect(findHold([lifted], target)).toBeUndefined()
    expect(findHold([hold], { ...target, subject: 'spiffe://example.org/other' })).toBeUndefined()
    expect(findHold([lifted, { ...hold, id: 'kil_2' }], target)).toMatchObject({ id: 'kil_2' })
  })

  test('of the same kind and scope is not set twice', () => {
    const { version: _, ...wish } = { ...hold, id: 'kil_2' }
    expect(placedHold([], wish)).toEqual({ ...hold, id: 'kil_2' })
    expect(placedHold([hold], wish)).toBe(hold)
    expect(placedHold([hold], { ...wish, scope: { kind: 'agent', value: 'x' } })).toMatchObject({ id: 'kil_2' })
    expect(placedHold([hold], { ...wish, kind: 'suspended' })).toMatchObject({ id: 'kil_2' })
  })

  test('is lifted once, and a kill by a second person', () => {
    const id = hold.id
    expect(liftedHold(hold, { id, lift })).toEqual(lifted)
    const same = { ...lift, by: 'operator:ada' } as const
    expect(() => liftedHold(hold, { id, lift: same })).toThrow(code('HOLD_OF_SAME_PERSON'))
    expect(liftedHold(hold, { id, lift: { ...same, alone: true } })).toMatchObject({ lifted: { alone: true } })
    expect(liftedHold({ ...hold, kind: 'suspended' }, { id, lift: same })).toMatchObject({ lifted: same })
    expect(liftedHold({ ...hold, by: 'file' }, { id, lift: same })).toMatchObject({ lifted: same })
    expect(() => liftedHold(lifted, { id, lift })).toThrow(code('HOLD_LIFTED'))
    expect(() => liftedHold(undefined, { id, lift })).toThrow(code('HOLD_NOT_FOUND'))
  })

  test('is noted on at the version that was seen, and without a claim nobody has one', () => {
    const note = { id: hold.id, expectedVersion: 1, isRunning: true, events: [] }
    const claimed = notedHold(hold, { ...note, claim: { by: 'rpl_1', until: at(9) } })
    expect(claimed).toEqual({ ...hold, isRunning: true, claimedBy: 'rpl_1', claimedUntil: at(9), version: 2 })
    expect(() => notedHold(claimed, note)).toThrow(code('LEDGER_CONFLICT'))
    expect(() => notedHold(undefined, note)).toThrow(code('LEDGER_CONFLICT'))
    const done = notedHold(claimed, { ...note, expectedVersion: 2, isRunning: false, progress: { grants: 2 } })
    expect(done).toEqual({ ...hold, progress: { grants: 2 }, version: 3 })
  })
})

test('the labels of a plan are those that it touches', () => {
  expect(touchedLabels(samplePlan())).toEqual(['data:invoices'])
})
