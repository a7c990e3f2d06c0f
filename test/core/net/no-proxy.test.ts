import { expect, test } from 'vitest'
import { bypassesProxy, isNoProxyEntry } from '../../../src/core/net/proxy/no-proxy.ts'

// The rules of curl (man page, NO_PROXY) and of Go (golang.org/x/net/http/httpproxy), where they agree.
const ROWS: readonly [entry: string, host: string, port: number, direct: boolean][] = [
  ['*', 'sts.eu-west-1.amazonaws.com', 443, true],
  ['amazonaws.com', 'sts.eu-west-1.amazonaws.com', 443, true],
  ['.amazonaws.com', 'sts.eu-west-1.amazonaws.com', 443, true],
  ['*.amazonaws.com', 'sts.eu-west-1.amazonaws.com', 443, true],
  ['STS.eu-west-1.Amazonaws.com', 'sts.eu-west-1.amazonaws.com', 443, true],
  ['sts.eu-west-1.amazonaws.com:443', 'sts.eu-west-1.amazonaws.com', 443, true],
  ['sts.eu-west-1.amazonaws.com:8443', 'sts.eu-west-1.amazonaws.com', 443, false],
  ['aws.com', 'sts.eu-west-1.amazonaws.com', 443, false],
  ['sts.eu-west-1.amazonaws.com.evil.example', 'sts.eu-west-1.amazonaws.com', 443, false],
  ['10.0.0.1', '10.0.0.1', 443, true],
  ['10.0.0.1', '10.0.0.11', 443, false],
  ['10.0.0.0/8', '10.0.0.1', 443, true],
  ['10.0.0.0/8', '11.0.0.1', 443, false],
  ['10.0.0.0/8', '10.example.org', 443, false],
  ['10.0.0.0/33', '10.0.0.1', 443, false],
  ['0.0.0.0/0', '203.0.113.9', 443, true],
  ['0.0.0.0/0', 'sts.eu-west-1.amazonaws.com', 443, false],
  ['fd00::/8', 'fd12::7', 443, true],
  ['fd00::/8', 'fe80::7', 443, false],
  ['0.0.1', '10.0.0.1', 443, false],
  ['[fd00::1]:443', 'fd00::1', 443, true],
  ['fd00::1', 'fd00::1', 443, true],
  ['', 'sts.eu-west-1.amazonaws.com', 443, false],
  ['.', 'sts.eu-west-1.amazonaws.com', 443, false],
  ['example.org', 'localhost', 4566, true],
  ['example.org', '127.0.0.1', 4566, true],
  ['example.org', '::1', 4566, true],
]

for (const [entry, host, port, direct] of ROWS)
  test(`${host}:${port} is reached ${direct ? 'directly' : 'by the proxy'} where NO_PROXY has "${entry}"`, () => {
    expect(bypassesProxy([entry], host, port)).toBe(direct)
  })

test('every entry is asked', () => {
  expect(bypassesProxy(['a.example', 'b.example'], 'b.example', 443)).toBe(true)
  expect(bypassesProxy([], 'b.example', 443)).toBe(false)
})

for (const [entry, isOne] of [
  ['*', true],
  ['.svc.cluster.local', true],
  ['10.96.0.0/12', true],
  ['fd00::1', true],
  ['[fd00::1]:443', true],
  ['10.96.0.0/40', false],
  ['https://sts.amazonaws.com', false],
  ['sts.amazonaws.com/path', false],
  ['two words', false],
  ['', false],
] as const)
  test(`"${entry}" ${isOne ? 'can be' : 'is no'} entry of NO_PROXY`, () => expect(isNoProxyEntry(entry)).toBe(isOne))
