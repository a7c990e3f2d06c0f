import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { parsePemBundle, parseSpiffeBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import type { PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'
import { createTrustDomain } from '../../../src/practice/stage/pki.ts'
import { bundleFiller } from '../../support/pki.ts'
import { BUNDLE_VECTORS } from '../../vectors/identity/bundles.ts'

let domain: PracticeTrustDomain
let leafPem = ''
let filled: (text: string) => string

beforeAll(async () => {
  domain = await createTrustDomain('a.test')
  leafPem = (await domain.issueX509Svid({ path: '/x' })).certPem
  filled = await bundleFiller(domain)
})

describe('parseSpiffeBundle', () => {
  for (const { id, name, text, check, ...left } of BUNDLE_VECTORS) {
    test(`${id} ${check ? 'refuses' : 'reads'} ${name}`, () => {
      const parse = () => parseSpiffeBundle('a.test', filled(text))
      if (check)
        return expect(parse).toThrow(
          expect.objectContaining({ code: 'BUNDLE_INVALID', details: expect.objectContaining({ check }) }),
        )
      const { bundle, notes } = parse()
      expect(notes.map(({ code }) => code)).toEqual(left.notes)
      expect([bundle.x509Authorities.length, bundle.jwtAuthorities.size]).toEqual([left.roots, left.jwtKeys])
      expect([bundle.sequence, bundle.refreshHintSeconds]).toEqual([left.sequence, left.hint])
    })
  }

  test('raises an alarm for what a person must see', () => {
    const { notes } = parseSpiffeBundle('a.test', filled('{"keys":[{"use":"jwt-svid","kid":"k",$EC,"d":"AA"}]}'))
    expect(notes.map(({ level }) => level)).toEqual(['alarm', 'alarm'])
  })

  test('refuses any text, or reads it, but never fails otherwise', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"keys"',
      ':',
      ',',
      '"use"',
      '"x509-svid"',
      '1e999',
      'null',
      '"',
      '\\',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
          fc.json(),
        ),
        (text) => {
          try {
            parseSpiffeBundle('a.test', text)
          } catch (error) {
            expect(error instanceof StintError && error.code).toBe('BUNDLE_INVALID')
          }
        },
      ),
    )
  })
})

describe('parsePemBundle', () => {
  test('reads roots, each once', () => {
    const { bundle } = parsePemBundle('a.test', `# comment\n${domain.rootCertPem}${domain.rootCertPem}`)
    expect(bundle.x509Authorities).toHaveLength(1)
  })

  for (const { name, text, check } of [
    { name: 'nothing', text: () => '', check: 'pem-empty' },
    {
      name: 'a private key',
      text: () => `${domain.rootCertPem}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`,
      check: 'pem-block',
    },
    { name: 'a leaf', text: () => leafPem, check: 'x509-authority' },
    { name: 'a root that is cut off', text: () => domain.rootCertPem.slice(0, -30), check: 'pem-block' },
  ]) {
    test(`refuses ${name}`, () => {
      expect(() => parsePemBundle('a.test', text())).toThrow(
        expect.objectContaining({ code: 'BUNDLE_INVALID', details: expect.objectContaining({ check }) }),
      )
    })
  }
})
