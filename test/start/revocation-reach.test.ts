import { expect, test } from 'vitest'
import { roles } from '../../src/config/role-settings.ts'
import { findOutOfReach, findUnrevocable } from '../../src/start/revocation-reach.ts'

const WRITER = 'arn:aws:sts::999999999999:assumed-role/stint/broker'
const roleIn = (account: string) => `arn:aws:iam::${account}:role/stint/a`
const boundary = { kind: 'boundary', policyArn: 'arn:aws:iam::{account}:policy/b' }
const revoker = { roleArn: 'arn:aws:iam::{account}:role/revoker' }

test('roles without a deny list are named', () => {
  const list = roles.parse([
    { arn: roleIn('111111111111'), revocation: { kind: 'none' } },
    { arn: 'arn:aws:iam::*:role/batch/*', revocation: { kind: 'none' } },
    { arn: roleIn('222222222222'), revocation: { kind: 'inline' } },
  ])
  expect(findUnrevocable(list)).toMatchObject([
    {
      finding: 'cannot-revoke',
      explanation: expect.stringContaining(`${roleIn('111111111111')}, arn:aws:iam::*:role/batch/*.`),
    },
  ])
  expect(findUnrevocable(list.slice(2))).toEqual([])
})

test('accounts that the writer of deny lists is not in are named with the caller, unless they have a revoker', () => {
  const list = roles.parse([
    { arn: roleIn('999999999999'), revocation: boundary },
    { arn: roleIn('111111111111'), revocation: boundary },
    { arn: roleIn('222222222222'), revocation: { ...boundary, revoker } },
    { arn: roleIn('333333333333'), revocation: { kind: 'none' } },
    { arn: 'arn:aws:iam:::role/no-account', revocation: { kind: 'inline' } },
    { arn: 'arn:aws:iam::444444444444:role/stint/*', revocation: { kind: 'inline' } },
  ])
  const [found, ...others] = findOutOfReach(list, WRITER)
  expect(others).toEqual([])
  expect(found?.explanation).toContain(`written as ${WRITER}, which can write in account 999999999999 only`)
  expect(found?.explanation).toMatch(/\(roles\[\]\.revocation\.revoker\): 111111111111, 444444444444\.$/)
  expect(findOutOfReach(list.slice(2, -1), WRITER)).toEqual([])
})

test('of many accounts some are named and the rest is counted', () => {
  const accounts = Array.from({ length: 60 }, (_, n) => String(100_000_000_000 + n))
  const list = roles.parse([{ arn: roleIn('*'), accounts, revocation: boundary }])
  expect(findOutOfReach(list, WRITER)[0]?.explanation).toContain('100000000009, and 50 more.')
})
