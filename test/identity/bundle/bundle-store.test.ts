import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StintError } from '../../../src/core/errors.ts'
import { Secret } from '../../../src/core/secret.ts'
import type { BundleFile } from '../../../src/identity/bundle/bundle-files.ts'
import { BundleFiles } from '../../../src/identity/bundle/bundle-files.ts'
import { BundleStore } from '../../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import type { ServerIdentity } from '../../../src/identity/server-identity.ts'
import { ServerIdentityFiles, serverIdentity } from '../../../src/identity/server-identity.ts'
import type { PracticeTrustDomain } from '../../../src/practice/stage/pki.ts'
import { createTrustDomain } from '../../../src/practice/stage/pki.ts'
import { eventually } from '../../support/eventually.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { basicConstraints, bundleOfRoots, issue, keyUsage, NOW, Usage } from '../../support/pki.ts'
import { TokenJudge } from '../../support/token-judge.ts'

let folder = ''
let one: PracticeTrustDomain
let two: PracticeTrustDomain

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stint-bundles-'))
  one = await createTrustDomain('a.test', { now: NOW })
  two = await createTrustDomain('a.test', { now: NOW })
})

afterEach(() => rm(folder, { recursive: true }))

const bundle = (domain: PracticeTrustDomain, sequence?: number | bigint) =>
  parseSpiffeBundle('a.test', domain.bundleJson(sequence === undefined ? {} : { sequence })).bundle

/** A bundle of roots whose names are this long; only the handshake sends names. */
async function namedAtLength(trustDomain: string, lengths: readonly number[]) {
  const keys = await createTrustDomain(trustDomain, { now: NOW })
  const roots = await Promise.all(
    lengths.map((length, index) =>
      issue({
        subject: `CN=${index}${'x'.repeat(length)}`,
        keys: keys.root.keys,
        extensions: [basicConstraints(true), keyUsage(Usage.keyCertSign)],
      }),
    ),
  )
  return parseSpiffeBundle(trustDomain, bundleOfRoots(...roots)).bundle
}

describe('the names of roots, which every handshake sends to every client', () => {
  test('are bounded for one trust domain, so that it cannot make the handshake of all others fail', async () => {
    await expect(namedAtLength('b.test', Array(30).fill(2_500))).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      details: { check: 'names' },
    })
  })

  test('are bounded for all trust domains together; what was held stays', async () => {
    const store = new BundleStore()
    const names = Array.from({ length: 8 }, (_, index) => `b${index}.test`)
    const bundles = await Promise.all(names.map((name) => namedAtLength(name, [1_900, 1_900])))
    const put = () => {
      for (const each of bundles) store.replace(each.trustDomain, each)
    }
    expect(put).toThrow(expect.objectContaining({ details: expect.objectContaining({ check: 'names' }) }))
    expect(names.map((name) => store.get(name) !== undefined)).toEqual([...Array(7).fill(true), false])
  })
})

describe('BundleStore', () => {
  test('counts one generation per change, and none for the same bundle again', () => {
    const store = new BundleStore()
    const seen: number[] = []
    const stop = store.onChange(() => seen.push(store.generation))
    store.replace('a.test', bundle(one, 1))
    expect(store.replace('a.test', bundle(one, 1))).toBe(false)
    store.replace('a.test', bundle(two, 2))
    store.remove('a.test')
    store.remove('a.test')
    stop()
    store.replace('a.test', bundle(one, 1))
    expect(seen).toEqual([1, 2, 3])
  })

  test('B16 refuses a lower sequence, beyond 2^53 as well, and one that is gone', () => {
    const store = new BundleStore()
    store.replace('a.test', bundle(one, 9_007_199_254_740_993n))
    const older = { ...bundle(two, 9_007_199_254_740_992n) }
    const { sequence: _gone, ...without } = bundle(two, 1)
    for (const stale of [older, without]) {
      expect(() => store.replace('a.test', stale)).toThrow(
        expect.objectContaining({ code: 'BUNDLE_INVALID', details: expect.objectContaining({ check: 'rollback' }) }),
      )
    }
    expect(store.get('a.test')?.sequence).toBe(9_007_199_254_740_993n)
  })

  test('keeps a snapshot as it was, and takes no bundle under another name', () => {
    const store = new BundleStore()
    const before = store.snapshot
    store.replace('a.test', bundle(one))
    expect(before.get('a.test')).toBeUndefined()
    expect(before.get('constructor')).toBeUndefined()
    expect(() => store.replace('b.test', bundle(one))).toThrow(expect.objectContaining({ code: 'BUNDLE_INVALID' }))
  })

  test('gives OpenSSL the roots of all domains, and none when there are none', async () => {
    const store = new BundleStore()
    expect(store.roots()).toEqual([])
    const other = await createTrustDomain('b.test')
    store.replace('a.test', bundle(one))
    store.replace('b.test', parseSpiffeBundle('b.test', other.bundleJson()).bundle)
    expect(store.roots()).toHaveLength(2)
  })
})

describe('BundleFiles', () => {
  test('follows the swap of a symbolic link, as Kubernetes does it', async () => {
    const at = await mounted('v1', one.bundleJson({ sequence: 1 }))
    const { files, store, clock } = watch(join(at, 'bundle.json'))
    await files.start()
    await mounted('v2', two.bundleJson({ sequence: 2 }))
    await settled(clock, () => store.generation === 2)
    expect(store.get('a.test')?.digest).toBe(bundle(two).digest)
    await files.stop()
  })

  test('keeps the last good bundle, says so once, and takes the next good one', async () => {
    const file = join(folder, 'bundle.json')
    await writeFile(file, one.bundleJson({ sequence: 5 }))
    const { files, store, states } = watch(file)
    await files.start()
    for (const bad of ['{', two.bundleJson({ sequence: 4 })]) {
      await writeFile(file, bad)
      await files.check()
      await files.check()
    }
    await rm(file)
    await files.check()
    expect(states.map((problem) => problem?.details.check)).toEqual(['json', 'rollback', 'file'])
    expect(store.get('a.test')?.digest).toBe(bundle(one).digest)
    await writeFile(file, two.bundleJson({ sequence: 6 }))
    await files.check()
    expect(store.get('a.test')?.digest).toBe(bundle(two).digest)
    await files.stop()
  })

  test('a token whose key the file has not yet is told to come again, until the file was read after the token came', async () => {
    const file = join(folder, 'bundle.json')
    await writeFile(file, one.bundleJson({ sequence: 1 }))
    const { files, store, clock } = watch(file)
    await files.start()
    const judge = new TokenJudge({ store, clock })
    const [early, invented] = [await judge.issue(two), await judge.issue(one, { header: { kid: 'invented' } })]
    await clock.advance(1_000)
    expect(await judge.answer(early)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 4000')
    expect(await judge.answer(invented)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 4000')
    await writeFile(file, 'half a docu')
    await clock.advance(1_000)
    await files.check()
    expect(await judge.answer(invented)).toBe('TRUST_DOMAIN_UNAVAILABLE kid 5000')
    await writeFile(file, two.bundleJson({ sequence: 2 }))
    await files.check()
    expect(await judge.answer(early)).toBe('accepted')
    expect(await judge.answer(invented)).toBe('TOKEN_INVALID kid')
    await files.stop()
  })

  test('a file of PEM roots never has a key of tokens, so nobody is told to come again', async () => {
    const file = join(folder, 'roots.pem')
    await writeFile(file, one.rootCertPem)
    const { files, store, clock } = watch(file, 'pem')
    await files.start()
    const judge = new TokenJudge({ store, clock })
    expect(await judge.answer(await judge.issue(one))).toBe('TOKEN_INVALID kid')
    await files.stop()
  })

  test('is well again with the very bytes of before', async () => {
    const file = join(folder, 'bundle.json')
    await writeFile(file, one.bundleJson())
    const { files, store, states } = watch(file)
    await files.start()
    await writeFile(file, '{')
    await files.check()
    await writeFile(file, one.bundleJson())
    await files.check()
    await files.check()
    expect(states.map((problem) => problem?.code)).toEqual(['BUNDLE_INVALID', undefined])
    expect(store.generation).toBe(1)
  })

  test('keeps the good bundle when a kid is repeated, and says so until that file is mended', async () => {
    const [file, other] = [join(folder, 'bundle.json'), join(folder, 'other.json')]
    const b = await createTrustDomain('b.test')
    await Promise.all([writeFile(file, one.bundleJson()), writeFile(other, b.bundleJson())])
    const { files, store, states } = watch(file, 'spiffe', { 'b.test': { file: other, format: 'spiffe' } })
    await files.start()
    const document = JSON.parse(one.bundleJson({ sequence: 2 }))
    await writeFile(file, JSON.stringify({ ...document, keys: [...document.keys, document.keys[1]] }))
    await files.check()
    await writeFile(other, b.bundleJson({ sequence: 2 }))
    await files.check()
    expect(states.map((problem) => problem?.details.check)).toEqual(['kid-repeated'])
    expect(store.get('a.test')?.jwtAuthorities.size).toBe(1)
    expect(store.get('b.test')?.sequence).toBe(2n)
  })

  test('tells all that does not count in a bundle, anew with each version', async () => {
    const file = join(folder, 'bundle.json')
    const document = JSON.parse(one.bundleJson())
    await writeFile(file, JSON.stringify({ ...document, keys: [...document.keys, { use: 'new', kty: 'EC' }, {}] }))
    const { files, notes } = watch(file)
    await files.start()
    expect(notes.get('bundle:a.test')).toEqual(['key-use', 'key-type'])
    await writeFile(file, one.bundleJson())
    await files.check()
    expect(notes.get('bundle:a.test')).toEqual([])
  })

  test('does not start without a usable bundle', async () => {
    for (const file of [join(folder, 'none.json'), folder]) {
      await expect(watch(file).files.start()).rejects.toMatchObject({ code: 'BUNDLE_INVALID' })
    }
  })

  test('reads PEM', async () => {
    const file = join(folder, 'root.pem')
    await writeFile(file, one.rootCertPem)
    const { files, store } = watch(file, 'pem')
    await files.start()
    await files.stop()
    expect(store.get('a.test')).toMatchObject({ jwtAuthorities: new Map(), x509Authorities: [expect.anything()] })
  })
})

describe('ServerIdentityFiles', () => {
  test('takes a new pair only when both belong together, and withdraws one that is over', async () => {
    const [certFile, keyFile] = [join(folder, 'tls.pem'), join(folder, 'tls.key')]
    const svids = await Promise.all([1, 2].map(() => one.issueX509Svid({ path: '/stint', now: NOW })))
    const [old, fresh] = svids
    if (!old || !fresh) throw new Error('no svid')
    await Promise.all([writeFile(certFile, old.certPem), writeFile(keyFile, old.keyPem)])
    const [changes, problems]: [(ServerIdentity | undefined)[], unknown[]] = [[], []]
    const clock = new ManualClock(NOW.toISOString())
    const files = new ServerIdentityFiles({
      certFile,
      keyFile,
      clock,
      onChange: (identity) => changes.push(identity),
      onState: (problem) => problems.push(problem?.code),
    })
    expect((await files.start()).cert).toBe(old.certPem)
    await writeFile(certFile, fresh.certPem)
    await files.check()
    await files.check()
    expect([changes, problems]).toEqual([[], ['CONFIG_INVALID']])
    await writeFile(keyFile, fresh.keyPem)
    await files.check()
    expect(changes.map((identity) => identity?.cert)).toEqual([fresh.certPem])
    clock.jump(3_600_001)
    await files.check()
    await files.check()
    await files.stop()
    expect(changes.slice(1)).toEqual([undefined])
  })

  describe('when the clock passes the end of a pair and is set back', () => {
    async function follow() {
      const paths = { certFile: join(folder, 'tls.pem'), keyFile: join(folder, 'tls.key') }
      const write = ({ certPem, keyPem }: { certPem: string; keyPem: string }) =>
        Promise.all([writeFile(paths.certFile, certPem), writeFile(paths.keyFile, keyPem)])
      const issue = (now: Date) => one.issueX509Svid({ path: '/stint', now })
      const clock = new ManualClock(NOW.toISOString())
      const [changes, problems]: [(string | undefined)[], (string | undefined)[]] = [[], []]
      const onChange = (identity: ServerIdentity | undefined) => void changes.push(identity?.cert)
      const onState = (problem: StintError | undefined) => void problems.push(problem?.code)
      const files = new ServerIdentityFiles({ ...paths, clock, onChange, onState })
      return { files, clock, write, issue, changes, problems }
    }

    test('the pair is withdrawn, and used again', async () => {
      const { files, clock, write, issue, changes, problems } = await follow()
      const pair = await issue(NOW)
      await write(pair)
      await files.start()
      await files.check()
      for (const ms of [3_600_001, -3_600_001]) {
        clock.jump(ms)
        await files.check()
        await files.check()
      }
      await files.stop()
      expect(changes).toEqual([undefined, pair.certPem])
      expect(problems).toEqual(['CONFIG_INVALID', undefined])
    })

    test('one that was refused beside a pair in use is taken; otherwise the pair in use is withdrawn at its end', async () => {
      for (const back of [true, false]) {
        const { files, clock, write, issue, changes } = await follow()
        const early = await issue(new Date(NOW.getTime() - 1_800_000))
        await write(await issue(NOW))
        await files.start()
        await files.check()
        clock.jump(1_800_001)
        await write(early)
        await files.check()
        await files.check()
        expect(changes).toEqual([])
        clock.jump(back ? -1_800_001 : 1_800_000)
        await files.check()
        await files.stop()
        expect(changes).toEqual([back ? early.certPem : undefined])
      }
    })
  })

  for (const [wrong, words] of [
    ['certFile', 'not a PEM certificate'],
    ['keyFile', 'not an unencrypted PEM private key'],
  ] as const)
    test(`names the file when ${wrong} holds something else`, async () => {
      const { certPem, keyPem } = await one.issueX509Svid({ path: '/stint', now: NOW })
      const paths = { certFile: join(folder, 'tls.pem'), keyFile: join(folder, 'tls.key') }
      await Promise.all([writeFile(paths.certFile, certPem), writeFile(paths.keyFile, keyPem)])
      await writeFile(paths[wrong], 'an external id\n')
      const clock = new ManualClock(NOW.toISOString())
      const files = new ServerIdentityFiles({ ...paths, clock, onChange: () => undefined, onState: () => undefined })
      const explanation = expect.stringContaining(`${words}: ${paths[wrong]}.`)
      await expect(files.start()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        details: { field: wrong, explanation },
      })
      await files.stop()
    })

  test('shows no key in an error', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n'
    try {
      serverIdentity(one.rootCertPem, new Secret(key))
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
      expect(JSON.stringify(error) + String(error)).not.toContain('c2VjcmV0')
    }
  })
})

function watch(
  file: string,
  format: 'spiffe' | 'pem' = 'spiffe',
  others: { readonly [trustDomain: string]: BundleFile } = {},
) {
  const store = new BundleStore()
  const clock = new ManualClock(NOW.toISOString())
  const states: (StintError | undefined)[] = []
  const notes = new Map<string, readonly string[]>()
  const files = new BundleFiles({
    store,
    domains: { 'a.test': { file, format }, ...others },
    clock,
    onState: (_component, problem) => states.push(problem),
    onNotes: (component, found) =>
      notes.set(
        component,
        found.map(({ code }) => code),
      ),
  })
  return { files, store, clock, states, notes }
}

/** A folder as the kubelet mounts it: `bundle.json` leads over `..data` to the folder of one version. */
async function mounted(version: string, text: string): Promise<string> {
  await mkdir(join(folder, version))
  await writeFile(join(folder, version, 'bundle.json'), text)
  await symlink(version, join(folder, '..tmp'))
  await rename(join(folder, '..tmp'), join(folder, '..data'))
  if (version === 'v1') await symlink(join('..data', 'bundle.json'), join(folder, 'bundle.json'))
  return folder
}

/** Moves the clock on until the poll has done its work. */
async function settled(clock: ManualClock, done: () => boolean): Promise<void> {
  await eventually('the files are read', async () => {
    await clock.advance(5000)
    return done()
  })
}
