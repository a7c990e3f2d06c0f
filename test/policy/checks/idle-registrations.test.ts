import { expect, test } from 'vitest'
import { checkAgainst } from '../../../src/policy/check-policies.ts'
import { formatProblem } from '../../../src/policy/policy-directory.ts'

const trustDomain = { source: 'The configuration', names: ['example.org', 'oidc:github'] }
const problemsOf = (match: string) =>
  checkAgainst([], { known: { trustDomain, agent: { source: 'agents.yaml', names: [match] } } }).map(formatProblem)

for (const { match, says } of [
  { match: 'spiffe://exampel.org/ci/deploy', says: 'no trust domain or issuer exampel.org; did you mean example.org?' },
  { match: 'spiffe://elsewhere.test/*', says: 'no trust domain or issuer elsewhere.test.' },
  { match: 'oidc:githup:repository_id=42;*', says: 'issuer oidc:githup; did you mean oidc:github?' },
])
  test(`a registration of ${match} is reported: nobody can prove to be such an agent`, () => {
    const [problem = '', ...others] = problemsOf(match)
    expect(problem.startsWith(`agents.yaml:1:1: warning: The registration of ${match} covers nobody: `)).toBe(true)
    expect(problem.slice(-says.length)).toBe(says)
    expect(others).toEqual([])
  })

for (const match of ['spiffe://example.org/ci/*', 'spiffe://example.org/*', 'oidc:github:repository_id=42;ref=main'])
  test(`a registration of ${match} is fine`, () => expect(problemsOf(match)).toEqual([]))

test('without a configuration nothing is said about registrations', () => {
  const agent = { source: 'agents.yaml', names: ['spiffe://exampel.org/ci/deploy'] }
  expect(checkAgainst([], { known: { agent } })).toEqual([])
})
