import { expect, test } from 'vitest'
import { isLoopbackHost } from '../../../src/core/net/loopback.ts'

for (const host of [
  'localhost',
  'LocalHost',
  'localhost.',
  'broker.localhost',
  '127.0.0.1',
  '127.9.8.7',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
])
  test(`${host} is this machine`, () => {
    expect(isLoopbackHost(host)).toBe(true)
  })

for (const host of ['localhost.example.org', 'notlocalhost', '127.example.org', '128.0.0.1', '::2', '10.0.0.1', ''])
  test(`${JSON.stringify(host)} is another`, () => {
    expect(isLoopbackHost(host)).toBe(false)
  })
