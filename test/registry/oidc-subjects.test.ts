import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { oidcSubjectText, parseOidcSubject } from '../../src/identity/oidc/subject.ts'
import { parseRegistry } from '../../src/registry/parse-registry.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const registry = (...matches: string[]) =>
  parseRegistry(
    JSON.stringify({
      agents: matches.map((match, index) => ({
        name: `agent-${index}`,
        match,
        owner: 'mara@example.org',
        team: 'data',
        purpose: 'Nightly reconciliation',
        expires: '2027-06-30',
      })),
    }),
  )

const REGISTRY = registry(
  'oidc:github:repository_owner_id=4711;*',
  'oidc:github:repository_owner_id=4711;repository_id=815;*',
  'oidc:github:repository_owner_id=4711;repository_id=815;ref=refs/heads/main',
  'oidc:cluster:serviceaccount_uid=u1',
)

describe('a registration of an OIDC subject', () => {
  for (const { subject, name } of [
    { subject: 'oidc:github:repository_owner_id=4711;repository_id=815;ref=refs/heads/main', name: 'agent-2' },
    { subject: 'oidc:github:repository_owner_id=4711;repository_id=815;ref=refs/heads/x', name: 'agent-1' },
    { subject: 'oidc:github:repository_owner_id=4711;repository_id=816;ref=refs/heads/main', name: 'agent-0' },
    { subject: 'oidc:cluster:serviceaccount_uid=u1', name: 'agent-3' },
  ]) {
    test(`${subject} is covered by the closest, ${name}`, () => {
      expect(REGISTRY.lookup(subject, NOW).name).toBe(name)
    })
  }

  for (const { name, subject, code } of [
    { name: 'a value that goes on', subject: 'oidc:github:repository_owner_id=47112;repository_id=1' },
    { name: 'another issuer', subject: 'oidc:gitlab:repository_owner_id=4711;repository_id=815' },
    { name: 'the wildcard’s own fields alone', subject: 'oidc:github:repository_owner_id=4711' },
    { name: 'another order', subject: 'oidc:github:repository_id=815;repository_owner_id=4711' },
    { name: 'an escaped separator', subject: 'oidc:github:repository_owner_id=4711%3Brepository_id%3D815' },
    { name: 'more fields than registered', subject: 'oidc:cluster:serviceaccount_uid=u1;pod_uid=p' },
    { name: 'a wildcard as subject', subject: 'oidc:github:repository_owner_id=4711;*', code: 'SUBJECT_INVALID' },
    { name: 'no fields', subject: 'oidc:github:', code: 'SUBJECT_INVALID' },
    { name: 'an escape that is none', subject: 'oidc:github:a=%zz', code: 'SUBJECT_INVALID' },
    { name: 'a needless escape', subject: 'oidc:github:a=%61', code: 'SUBJECT_INVALID' },
    { name: 'a lower-case escape', subject: 'oidc:github:a=%3b', code: 'SUBJECT_INVALID' },
  ]) {
    test(`does not cover ${name}`, () => {
      const look = () => REGISTRY.lookup(subject, NOW)
      expect(look).toThrowError(expect.objectContaining({ code: code ?? 'AGENT_UNREGISTERED' }))
    })
  }

  for (const match of [
    'oidc:github:*',
    'oidc:*',
    'oidc:github:repository_id=*',
    'oidc:github:repository_id=8*;*',
    'oidc:github:repository_id=815*',
    'oidc:github:*;repository_id=815',
    'oidc:GitHub:repository_id=815',
    'oidc:github:repository_id=815;',
  ]) {
    test(`may not be written as ${match}`, () => {
      expect(() => registry(match)).toThrowError(expect.objectContaining({ code: 'REGISTRY_INVALID' }))
    })
  }
})

describe('oidcSubjectText', () => {
  const fields = fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string({ minLength: 1, unit: 'binary' })), {
    minLength: 1,
    maxLength: 4,
  })

  test('can be read back, so that no two agents share a name', () => {
    fc.assert(
      fc.property(fields, (pairs) => {
        const subject = { alias: 'a-1', fields: pairs }
        let text: string
        try {
          text = oidcSubjectText(subject)
        } catch (error) {
          return error instanceof StintError && error.code === 'TOKEN_INVALID'
        }
        expect(parseOidcSubject(text)).toEqual(subject)
        return /^[!-~]+$/.test(text) && !text.includes('*')
      }),
    )
  })

  test('any text is refused by name or read to itself', () => {
    fc.assert(
      fc.property(fc.string(), (tail) => {
        const text = `oidc:a:x=${tail}`
        try {
          return oidcSubjectText(parseOidcSubject(text)) === text
        } catch (error) {
          return error instanceof StintError && error.code === 'SUBJECT_INVALID'
        }
      }),
    )
  })
})
