import { beforeEach, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import type { ObservedCall } from '../../src/credentials/aws-sts/calls/observer.ts'
import { type NamedRoles, ProviderProblems } from '../../src/credentials/aws-sts/provider-problems.ts'

const DEV = '111111111111'
const PROD = '222222222222'
const roleIn = (account: string, name = 'stint/a') => `arn:aws:iam::${account}:role/${name}`
const mint = (roleArn: string): ObservedCall => ({ service: 'sts', operation: 'AssumeRole', roleArn })
const write = (accountId: string): ObservedCall => ({
  service: 'iam',
  operation: 'PutRolePolicy',
  target: 'x',
  accountId,
})
const fails = (fault: string, awsCode = 'Any') =>
  new StintError(fault === 'refused' ? 'PROVIDER_REFUSED' : 'PROVIDER_UNAVAILABLE', { fault, awsCode })

let shown: Set<string>
let problems: ProviderProblems
const see = (call: ObservedCall, error?: StintError) => problems.callEnded({ ...call, error })
function open(named: Partial<NamedRoles> = {}) {
  shown = new Set()
  const reports = {
    failed: (component: string) => shown.add(component),
    well: (component: string) => shown.delete(component),
  }
  const all = { roleArns: new Set<string>(), accounts: new Set([DEV, PROD]), oneAccount: false, ...named }
  problems = new ProviderProblems(reports as never, all)
}
beforeEach(() => open())

test('an account that gets no answer is its own problem until it gets one', () => {
  see(mint(roleIn(DEV)), fails('down'))
  see(mint(roleIn(PROD)))
  see(mint(roleIn(DEV)), fails('down'))
  expect([...shown]).toEqual([`aws:sts:${DEV}`])
  see(mint(roleIn(DEV)))
  expect([...shown]).toEqual([])
})

test('when no account gets an answer, STS is the problem until one does', () => {
  see(mint(roleIn(DEV)), fails('down'))
  see(mint(roleIn(PROD)), fails('down'))
  expect(shown).toContain('aws:sts')
  see(mint(roleIn(PROD)))
  expect([...shown]).toEqual([`aws:sts:${DEV}`])
})

test('with one account alone, that account is STS', () => {
  open({ accounts: new Set([DEV]), oneAccount: true })
  see(mint(roleIn(DEV)), fails('down'))
  expect([...shown]).toEqual(['aws:sts'])
  see(mint(roleIn(DEV)))
  expect([...shown]).toEqual([])
})

test('what fails through the revoker of an account says nothing of the others, nor of the broker', () => {
  see(write(DEV), fails('down'))
  see(write(PROD), fails('throttled'))
  expect([...shown]).toEqual([`aws:iam:${DEV}`, `aws:iam:${PROD}:throttled`])
  see(write(PROD))
  expect([...shown]).toEqual([`aws:iam:${DEV}`])
  see(write(DEV))
  expect([...shown]).toEqual([])
})

test('a role or an account that an agent has made up fills no status', () => {
  for (let n = 0; n < 50; n++) {
    see(mint(roleIn(DEV, `stint/made-up-${n}`)), fails('refused', 'AccessDenied'))
    see(mint(roleIn(String(900_000_000_000 + n))), fails('down'))
    see(mint(roleIn(PROD)))
    const revoker = roleIn(String(900_000_000_000 + n), 'stint/revoker')
    see({ ...mint(revoker), target: 'boundary:x' }, fails('refused', 'AccessDenied'))
  }
  expect([...shown]).toEqual([])
})

test('a role of a pattern that has worked and is refused is a problem, and so is a named one', () => {
  open({ roleArns: new Set([roleIn(PROD)]) })
  see(mint(roleIn(DEV)))
  for (const account of [DEV, PROD]) see(mint(roleIn(account)), fails('refused', 'AccessDenied'))
  expect([...shown]).toEqual([`aws:role:${roleIn(DEV)}`, `aws:role:${roleIn(PROD)}`])
})

test('a revoker that does not take the broker is a problem of its own', () => {
  const revoker = roleIn(DEV, 'stint/revoker')
  see({ ...mint(revoker), target: `boundary:arn:aws:iam::${DEV}:policy/b` }, fails('refused', 'AccessDenied'))
  expect([...shown]).toEqual([`aws:role:${revoker}`])
})

test('P17: a role and an account that leave the configuration take their problems along, and get none by calls under way', () => {
  const gone = roleIn(DEV)
  open({ roleArns: new Set([gone]) })
  see(mint(gone), fails('refused', 'AccessDenied'))
  see(mint(roleIn(PROD)))
  see(mint(gone), fails('down'))
  expect([...shown]).toEqual([`aws:role:${gone}`, `aws:sts:${DEV}`])
  const named = { roleArns: new Set<string>(), accounts: new Set([PROD]), oneAccount: false }
  problems.setNamed(named, (roleArn) => roleArn !== gone)
  expect([...shown]).toEqual([])
  see(mint(gone), fails('refused', 'AccessDenied'))
  see(mint(gone), fails('down'))
  expect([...shown]).toEqual([])
})
