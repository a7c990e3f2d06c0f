import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { createLogger } from '../../src/core/log.ts'
import { Secret } from '../../src/core/secret.ts'

const CANARY = 'canary-7f3a9c51e0d84b62a1c3f5e7d9b1a3c5'
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzcGlmZmU6Ly9hL2IifQ.c2lnbmF0dXJl'

describe('a secret shows itself to reveal() alone', () => {
  const secret = new Secret(CANARY)
  for (const { name, text } of [
    { name: 'as text', text: `${secret}` },
    { name: 'as JSON', text: JSON.stringify({ secret }) },
    { name: 'inspected', text: inspect({ secret }, { depth: 9, showHidden: true }) },
    { name: 'copied', text: JSON.stringify({ ...secret }) },
    { name: 'cloned', text: inspect(structuredClone({ ...secret })) },
  ]) {
    test(name, () => expect(text).not.toContain(CANARY))
  }
  test('revealed', () => expect(secret.reveal()).toBe(CANARY))
})

describe('an error in the log', () => {
  const logged = (err: unknown) => {
    const lines: string[] = []
    createLogger({ level: 'info', destination: { write: (line: string) => void lines.push(line) } }).error(
      { err },
      'failed',
    )
    return lines.join('')
  }

  test('has its code and the names of its causes', () => {
    const error = new StintError('PROVIDER_UNAVAILABLE', {}, new TypeError('socket hang up'))
    expect(JSON.parse(logged(error)).err).toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      causes: [{ name: 'TypeError', message: 'socket hang up' }],
    })
  })

  for (const { name, error } of [
    {
      name: 'a token in the message of a cause',
      error: new StintError('INTERNAL', {}, new Error(`token ${JWT} is expired`)),
    },
    {
      name: 'a long key in the message of a cause',
      error: new StintError('INTERNAL', {}, new Error(`key ${CANARY}${CANARY}`)),
    },
    {
      name: 'a field of a foreign error',
      error: Object.assign(new Error('no'), { $response: { headers: { token: CANARY } } }),
    },
    { name: 'a thing that is no error', error: { secret: CANARY } },
    { name: 'details of ours', error: new StintError('INTERNAL', { note: CANARY }) },
  ]) {
    test(`leaves out ${name}`, () => {
      const text = logged(error)
      expect(text).not.toContain(CANARY)
      expect(text).not.toContain(JWT)
    })
  }
})
