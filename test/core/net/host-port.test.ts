import { describe, expect, test } from 'vitest'
import { hostPortText, parseHostPort } from '../../../src/core/net/host-port.ts'

describe('an address as text', () => {
  for (const { host, port, text } of [
    { host: '127.0.0.1', port: 8443, text: '127.0.0.1:8443' },
    { host: '::1', port: 8446, text: '[::1]:8446' }, // RFC 3986, section 3.2.2
    { host: 'keys.example.org', port: 443, text: 'keys.example.org:443' },
  ]) {
    test(`of ${host} is ${text}, and is read again`, () => {
      expect(hostPortText(host, port)).toBe(text)
      expect(parseHostPort(text)).toEqual({ host, port })
    })
  }
})
