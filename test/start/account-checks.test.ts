import { afterEach, beforeEach, expect, test } from 'vitest'
import { roles } from '../../src/config/role-settings.ts'
import { checkAccounts } from '../../src/start/doctor/account-checks.ts'
import type { Check } from '../../src/start/doctor/check.ts'
import { type AwsHarness, startAws } from '../credentials/harness.ts'
import { notedSessions } from '../support/noted-sessions.ts'

const ACCOUNTS = ['111111111111', '222222222222', '333333333333']
const CALLER = 'arn:aws:sts::999999999999:assumed-role/stint/broker'
const roleIn = (account: string, name = 'a') => `arn:aws:iam::${account}:role/stint/${name}`
const boundaryIn = (account: string) => `arn:aws:iam::${account}:policy/stint-boundary`
const revoker = { roleArn: roleIn('{account}', 'revoker') }
const boundary = { kind: 'boundary', policyArn: boundaryIn('{account}') }
const never = new AbortController().signal

let aws: AwsHarness
beforeEach(async () => {
  aws = await startAws()
  for (const account of ACCOUNTS) aws.server.addManagedPolicy(boundaryIn(account))
})
afterEach(() => aws.close())

async function look(
  settings: readonly object[],
  endOf?: (account: string) => AbortSignal,
  roleNames?: readonly string[],
): Promise<Check[]> {
  const config = { roles: roles.parse(settings), ...(roleNames && { roleNames }) }
  const provider = aws.with({ roles: config.roles as never })
  const checks: Check[] = []
  const callers = { broker: CALLER, writer: CALLER }
  const { start } = notedSessions(provider, aws.clock)
  const checked = { ...provider, start, clock: aws.clock }
  for await (const each of checkAccounts(config, checked, callers, never, endOf)) checks.push(each)
  return checks
}
const summary = (checks: readonly Check[]) => checks.map(({ name, ok }) => `${ok ? 'ok' : 'NO'} ${name}`)

test('each account is looked at, in the order of the configuration', async () => {
  const checks = await look([{ arn: roleIn('*'), accounts: ACCOUNTS, revocation: { ...boundary, revoker } }])
  expect(summary(checks)).toEqual(
    ACCOUNTS.flatMap((account) => [`ok role ${roleIn(account)}`, `ok revocation ${roleIn(account)}`]),
  )
  expect(checks[0]?.finding).toContain(`by ${CALLER}`)
  expect(checks[1]?.finding).toBe(`boundary of 1 role(s), written through ${roleIn(ACCOUNTS[0] ?? '', 'revoker')}`)
})

test('roles by pattern have no names to assume, so the deny list of each account is looked at', async () => {
  const checks = await look([
    { arn: roleIn('*', '*'), accounts: ACCOUNTS.slice(0, 2), revocation: { ...boundary, revoker } },
    { arn: 'arn:aws:iam::*:role/batch/*', revocation: { kind: 'none' } },
  ])
  expect(summary(checks)).toEqual([
    'ok roles arn:aws:iam::*:role/batch/*',
    ...ACCOUNTS.slice(0, 2).map((account) => `ok revocation ${roleIn('*', '*')} in ${account}`),
  ])
})

test('a role of a pattern that is named is assumed in each listed account, by the rule that serves it', async () => {
  aws.server.whenever(({ parameters }) =>
    parameters.RoleArn === roleIn(ACCOUNTS[1] ?? '', 'data')
      ? { kind: 'error', status: 403, code: 'AccessDenied' }
      : undefined,
  )
  const rule = { accounts: ACCOUNTS.slice(0, 2), revocation: { ...boundary, revoker } }
  const checks = await look(
    [
      { ...rule, arn: roleIn('*', '*') },
      { ...rule, arn: roleIn('*', 'batch-*') },
    ],
    undefined,
    ['/stint/data', '/stint/revoker', '/other/x'],
  )
  const [one = '', two = ''] = ACCOUNTS
  expect(summary(checks)).toEqual([
    // No agent can act through a revoker, and no rule serves the path of the other.
    'NO role /stint/revoker',
    'NO role /other/x',
    `ok role ${roleIn(one, 'data')}`,
    `ok revocation ${roleIn(one, 'data')}`,
    `ok revocation ${roleIn('*', 'batch-*')} in ${one}`,
    `NO role ${roleIn(two, 'data')}`,
    `ok revocation ${roleIn(two, 'data')}`,
    `ok revocation ${roleIn('*', 'batch-*')} in ${two}`,
  ])
})

test('an account that refuses or hangs is named with the caller, and the others are looked at', async () => {
  const [refusing = '', hanging = '', well = ''] = ACCOUNTS
  aws.server.whenever(({ parameters }) => {
    if (parameters.RoleArn?.includes(hanging)) return { kind: 'hang' }
    if (parameters.RoleArn?.includes(refusing)) return { kind: 'error', status: 403, code: 'AccessDenied' }
    return undefined
  })
  const endOf = (account: string) => (account === hanging ? AbortSignal.timeout(100) : never)
  const checks = await look([{ arn: roleIn('*'), accounts: ACCOUNTS, revocation: { ...boundary, revoker } }], endOf)
  expect(checks.map(({ ok }) => ok)).toEqual([false, false, false, false, true, true])
  expect(checks.at(-1)?.name).toContain(well)
  for (const [at, account] of [refusing, refusing, hanging, hanging].entries())
    expect(checks[at]?.finding).toContain(`Caller: ${CALLER}, in account 999999999999. Target: account ${account}.`)
  expect(checks[2]?.finding).toContain('did not answer in time')
})

test('a deny list in another account than its writer is refused before anything is asked', async () => {
  const checks = await look([{ arn: roleIn(ACCOUNTS[0] ?? ''), revocation: boundary }])
  expect(checks[1]).toMatchObject({ ok: false, code: 'PROVIDER_REFUSED' })
  expect(checks[1]?.finding).toContain('can never be written')
  expect(aws.server.calls('ListPolicyVersions')).toEqual([])
})

for (const { name, answer, ok, says } of [
  { name: 'may read itself', answer: undefined, ok: true, says: 'may read itself' },
  { name: 'may not', answer: { code: 'AccessDenied', status: 403 }, ok: false, says: 'give it iam:GetRole on' },
  { name: 'gets no answer', answer: { code: 'ServiceUnavailable', status: 503 }, ok: false, says: 'AWS' },
])
  test(`the canary of a deny list is looked at once: its role ${name}`, async () => {
    const [account = ''] = ACCOUNTS
    if (answer) aws.server.whenever(({ action }) => (action === 'GetRole' ? { kind: 'error', ...answer } : undefined))
    const canary = { roleArn: roleIn('{account}', 'canary') }
    const revocation = { ...boundary, revoker, canary }
    const checks = await look(['a', 'b'].map((role) => ({ arn: roleIn(account, role), revocation })))
    const found = checks.filter((each) => each.name.startsWith('canary'))
    expect(found).toMatchObject([{ name: `canary ${roleIn(account, 'canary')}`, ok }])
    expect(found[0]?.finding).toContain(says)
  })
