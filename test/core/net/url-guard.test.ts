import { describe, expect, test } from 'vitest'
import { ipClass } from '../../../src/core/net/ip-class.ts'
import { guardUrl } from '../../../src/core/net/url-guard.ts'
import { ADDRESSES, URLS } from '../../vectors/identity/urls.ts'

describe('guardUrl', () => {
  for (const { name, url, refused, source } of URLS) {
    test(`${refused ? 'refuses' : 'takes'} ${name} (${source})`, () => {
      if (!refused) return expect(guardUrl(url).url.protocol).toBe('https:')
      expect(() => guardUrl(url)).toThrow(
        expect.objectContaining({ code: 'URL_REFUSED', details: expect.objectContaining({ check: refused }) }),
      )
    })
  }

  test('refuses a URL of more than 2048 characters', () => {
    expect(() => guardUrl(`https://example.org/${'a'.repeat(2_048)}`)).toThrow(
      expect.objectContaining({ code: 'URL_REFUSED' }),
    )
  })

  test('lets an allow-listed host lead into private networks, but a name never to metadata services', () => {
    const { allows } = guardUrl('https://oidc.corp.test/', { allowPrivate: ['oidc.corp.test'] })
    expect(['10.0.0.1', '127.0.0.1', '8.8.8.8'].map(allows)).toEqual([true, true, true])
    expect(['169.254.169.254', '::ffff:169.254.169.254', '0.0.0.0'].map(allows)).toEqual([false, false, false])
  })

  test('takes an address that is itself allow-listed, be it link-local', () => {
    for (const host of ['127.0.0.1', '10.1.2.3', '169.254.1.1', '[::1]']) {
      expect(guardUrl(`https://${host}/`, { allowPrivate: [host] }).url.hostname).toBe(host)
    }
    expect(() => guardUrl('https://10.1.2.4/', { allowPrivate: ['10.1.2.3'] })).toThrow(
      expect.objectContaining({ code: 'URL_REFUSED' }),
    )
  })
})

describe('guardUrl with allowPrivate', () => {
  for (const { entry, url, taken } of [
    { entry: '10.0.0.1:6443', url: 'https://10.0.0.1:6443/x', taken: true },
    { entry: '10.0.0.1:6443', url: 'https://10.0.0.1/x', taken: false },
    { entry: '10.0.0.1:443', url: 'https://10.0.0.1/x', taken: true },
    { entry: '10.0.0.1', url: 'https://10.0.0.1:6443/x', taken: true },
    { entry: '[fd00::1]:6443', url: 'https://[fd00::1]:6443/x', taken: true },
    { entry: '[fd00::1]:6443', url: 'https://[fd00::1]:6444/x', taken: false },
    { entry: 'fd00::1', url: 'https://[fd00::1]:6443/x', taken: true },
    { entry: '[FD00:0::1]', url: 'https://[fd00::1]:6443/x', taken: true },
    { entry: 'https://10.0.0.1', url: 'https://10.0.0.1/x', taken: false },
    { entry: '10.0.0.0/8', url: 'https://10.0.0.1/x', taken: false },
    { entry: '10.0.0.1:65536', url: 'https://10.0.0.1/x', taken: false },
  ]) {
    test(`${taken ? 'takes' : 'refuses'} ${url} where ${entry} is listed`, () => {
      const guard = () => guardUrl(url, { allowPrivate: [entry] })
      if (taken) expect(guard().url.href).toBe(url)
      else expect(guard).toThrow(expect.objectContaining({ code: 'URL_REFUSED' }))
    })
  }

  test('a name with a port may lead to a private address at that port', () => {
    const at = (url: string) => guardUrl(url, { allowPrivate: ['API.corp.test:6443'] }).allows('10.0.0.1')
    expect([at('https://api.corp.test:6443/'), at('https://api.corp.test/')]).toEqual([true, false])
  })
})

describe('ipClass', () => {
  for (const { address, is, source } of ADDRESSES) {
    test(`takes ${address} for ${is} (${source})`, () => expect(ipClass(address)).toBe(is))
  }
})
