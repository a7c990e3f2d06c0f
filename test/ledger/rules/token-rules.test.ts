import { describe, expect, test } from 'vitest'
import type { TokenUse } from '../../../src/ledger/ledger.ts'
import {
  checkConnectionOpen,
  MAX_TOKEN_MOVES,
  type TokenBinding,
  type TokenPurpose,
  tokenStep,
} from '../../../src/ledger/rules/token-rules.ts'
import { at, now, withDetails } from './rule-samples.ts'

describe('a bearer token', () => {
  const use = (more: Partial<TokenUse> = {}): TokenUse => ({
    key: 'token',
    until: at(1_000),
    reuse: 'connection',
    by: 'request',
    connectionId: 'con_1',
    at: now,
    caller: { subject: 'spiffe://example.org/agent', evidence: {} },
    ...more,
  })
  const owner = { connectionId: 'con_1', replica: 'rpl_1', isClosed: false, isSilent: false }
  const binding: TokenBinding = { until: at(1_000), moves: 0, grantId: 'grt_1', by: 'request', owner }
  const mints: TokenPurpose = { grantId: 'grt_1', leaseId: 'lse_2', waits: false }
  const waits: TokenPurpose = { grantId: 'grt_1', leaseId: undefined, waits: true }
  const nothing: TokenPurpose = { grantId: 'grt_1', leaseId: undefined, waits: false }
  const never = use({ reuse: 'never' })
  const renewal = use({ reuse: 'never', by: 'renewal' })
  const other = use({ connectionId: 'con_2' })
  const closed: TokenBinding = { ...binding, owner: { ...owner, isClosed: true } }
  const silent: TokenBinding = { ...binding, owner: { ...owner, replica: 'rpl_0', isSilent: true } }
  const renewed = (lease: TokenBinding['lease']): TokenBinding => ({
    ...binding,
    by: 'renewal',
    ...(lease ? { lease } : {}),
  })

  for (const { name, bound, by, purpose, step } of [
    { name: 'that is new is bound by a mint', bound: undefined, by: use(), purpose: mints, step: 'bind' },
    { name: 'that is new is bound by a grant that waits', bound: undefined, by: use(), purpose: waits, step: 'bind' },
    { name: 'that mints once is not spent by waiting', bound: undefined, by: never, purpose: waits, step: 'none' },
    { name: 'that buys nothing is not bound', bound: undefined, by: use(), purpose: nothing, step: 'none' },
    {
      name: 'whose time is over is bound anew',
      bound: { ...binding, until: now },
      by: other,
      purpose: mints,
      step: 'bind',
    },
    { name: 'mints again by its own connection', bound: binding, by: use(), purpose: mints, step: 'none' },
    { name: 'moves when its connection has closed', bound: closed, by: other, purpose: mints, step: 'move' },
    { name: 'moves when its replica is silent', bound: silent, by: other, purpose: mints, step: 'move' },
    { name: 'moves for a grant that waits', bound: closed, by: other, purpose: waits, step: 'move' },
    { name: 'does not move for nothing', bound: closed, by: other, purpose: nothing, step: 'none' },
    {
      name: 'moves the last time',
      bound: { ...closed, moves: MAX_TOKEN_MOVES - 1 },
      by: other,
      purpose: mints,
      step: 'move',
    },
    {
      name: 'of before connections were on record moves',
      bound: { until: at(1_000), moves: 0 },
      by: use(),
      purpose: mints,
      step: 'move',
    },
    {
      name: 'comes back for the grant that it was spent on',
      bound: binding,
      by: never,
      purpose: mints,
      step: 'note_lease',
    },
    { name: 'comes back and asks for nothing', bound: binding, by: never, purpose: nothing, step: 'none' },
    {
      name: 'renews again after a mint that made nothing',
      bound: renewed({ state: 'ended', end: 'not_minted' }),
      by: renewal,
      purpose: mints,
      step: 'note_lease',
    },
    {
      name: 'renews again after a mint of unknown outcome',
      bound: renewed({ state: 'intended', outcomeUnknown: true }),
      by: renewal,
      purpose: mints,
      step: 'note_lease',
    },
  ] as const) {
    test(name, () => expect(tokenStep(bound, by, purpose, 'rpl_1')).toBe(step))
  }

  const elsewhere = { ...mints, grantId: 'grt_2' }
  for (const { name, bound, by, purpose, check } of [
    { name: 'of an open connection by another one', bound: binding, by: other, purpose: mints, check: 'connection' },
    {
      name: 'of a living replica by another one',
      bound: { ...binding, owner: { ...owner, replica: 'rpl_0' } },
      by: use(),
      purpose: mints,
      check: 'connection',
    },
    {
      name: 'that has moved too often',
      bound: { ...closed, moves: MAX_TOKEN_MOVES },
      by: other,
      purpose: mints,
      check: 'moves',
    },
    { name: 'that was spent on another grant', bound: binding, by: never, purpose: elsewhere, check: 'spent' },
    { name: 'that was spent, by a renewal', bound: binding, by: renewal, purpose: mints, check: 'spent' },
    {
      name: 'whose renewal may yet be revealed',
      bound: renewed({ state: 'intended' }),
      by: renewal,
      purpose: mints,
      check: 'spent',
    },
    {
      name: 'whose renewal was issued',
      bound: renewed({ state: 'issued' }),
      by: renewal,
      purpose: mints,
      check: 'spent',
    },
    { name: 'whose lease is not on record', bound: renewed(undefined), by: renewal, purpose: mints, check: 'spent' },
  ] as const) {
    test(`${name} is refused`, () =>
      expect(() => tokenStep(bound, by, purpose, 'rpl_1')).toThrow(
        withDetails('TOKEN_REPLAYED', { check, ownerConnectionId: 'con_1', connectionId: by.connectionId }),
      ))
  }

  test('is not bound to a connection that has closed', () => {
    expect(() => checkConnectionOpen(false)).not.toThrow()
    expect(() => checkConnectionOpen(true)).toThrow(expect.objectContaining({ code: 'CANCELLED' }))
  })
})
