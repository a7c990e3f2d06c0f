import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { execForm, textOf } from './dockerfile.ts'
import { checkHealth } from './health-client.ts'
import { exists, type Replayed, replayDockerfile } from './replay.ts'
import { NONROOT, runImage } from './run-image.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NODE = join(ROOT, 'node_modules/node/bin/node')

let folder: string
let image: Replayed
let files: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stint-image-'))
  await chmod(folder, 0o755)
  const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8')
  image = await replayDockerfile({ dockerfile, contextRoot: ROOT, folder, node: NODE })
  files = await filesBelow(image.root)
  await mkdir(join(image.root, 'nodejs/bin'), { recursive: true })
  await copyFile(NODE, join(image.root, 'nodejs/bin/node'))
  await chmod(join(image.root, 'nodejs/bin/node'), 0o755)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the final stage', () => {
  test('stands on Node 24 without a shell, pinned by tag', () => {
    expect(image.final.image).toBe('gcr.io/distroless/nodejs24-debian12:nonroot')
  })

  test('runs nothing while it is built, since it has no shell', () => {
    expect(image.final.instructions.map(({ name }) => name)).not.toContain('RUN')
  })

  test('has the OpenSSL configuration that its program is started with, since Node says nothing of a missing one', async () => {
    const [, file = ''] =
      execForm(image.final, 'ENTRYPOINT')
        .join('\n')
        .match(/--openssl-config=(.*)/) ?? []
    expect(await readFile(join(image.root, file), 'utf8')).toContain('NumTickets = 0')
  })

  test('names its user by number, as runAsNonRoot needs', () => {
    // https://kubernetes.io/docs/tasks/configure-pod-container/security-context/: a name cannot be checked.
    expect(textOf(image.final, 'USER')).toBe(`${NONROOT}:${NONROOT}`)
  })

  test.each([
    '--disable-sigusr1',
    '--disable-proto=delete',
    '--report-exclude-env',
    '--max-semi-space-size=16',
    '--openssl-config=/app/dist/core/net/no-session-tickets.cnf',
  ])('starts Node with %s', (flag) => {
    expect(execForm(image.final, 'ENTRYPOINT')).toContain(flag)
  })

  test('serves unless told otherwise', () => {
    expect(execForm(image.final, 'CMD')).toEqual(['serve'])
  })

  test('sets no variable but NODE_ENV', () => {
    const set = image.final.instructions.filter(({ name }) => name === 'ENV' || name === 'ARG')
    expect(set.map(({ text }) => text)).toEqual(['NODE_ENV=production'])
  })
})

describe('the final tree', () => {
  test('holds the program, the contract, the template of the AWS accounts, the licence, the packages, and nothing else', async () => {
    expect((await readdir(join(image.root, 'app'))).sort()).toEqual([
      'LICENSE',
      'aws',
      'dist',
      'node_modules',
      'package.json',
      'proto',
    ])
  })

  test('holds every dependency and no dev dependency', async () => {
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >
    const installed = async (names: string[]) => {
      const found = await Promise.all(names.map((name) => exists(join(image.root, 'app/node_modules', name))))
      return names.filter((_, at) => found[at])
    }
    const wanted = Object.keys(manifest.dependencies ?? {})
    expect(await installed(wanted)).toEqual(wanted)
    // What a dependency needs too may stay.
    const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
    const devOnly = Object.keys(manifest.devDependencies ?? {}).filter(
      (name) => lock.packages[`node_modules/${name}`]?.dev,
    )
    expect(devOnly).toContain('vitest')
    expect(await installed(devOnly)).toEqual([])
  })

  test('imports nothing that is not a dependency', async () => {
    const { dependencies = {} } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Manifest
    // Run from a checkout only: what makes the tables of actions, and the demo. No command of the image loads them.
    const checkoutOnly = /\/(action-table|judging\/(model|review))\/generate[a-z-]*\.js$|\/practice\/demo\/[a-z-]+\.js$/
    const programs = files.filter((file) => /^app\/dist\/.*\.js$/.test(file) && !checkoutOnly.test(file))
    const texts = await Promise.all(programs.map((file) => readFile(join(image.root, file), 'utf8')))
    const packages = texts.flatMap((text) =>
      [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]((?:@[\w.-]+\/)?[a-z][\w.-]*)(?:\/[^'"]*)?['"]/g)].map(
        ([, name = '']) => name,
      ),
    )
    expect(packages).toContain('@grpc/grpc-js')
    expect([...new Set(packages)].filter((name) => !(name in dependencies) && !name.startsWith('node:'))).toEqual([])
  })

  test('holds no source and no test of this project', () => {
    const ours = files.filter((file) => !file.startsWith('app/node_modules/'))
    expect(
      ours.filter((file) => /(?<!\.d)\.ts$|\.test\.|(^|\/)(test|src|certs|helm|docs|\.git)(\/|$)/.test(file)),
    ).toEqual([])
  })

  test('holds nothing that looks like a key, a token or a local setting', () => {
    const suspicious = files.filter((file) =>
      /\.(pem|key|p12|pfx|env|db|log)$|(^|\/)\.(npmrc|env[^/]*|git[^/]*)$/.test(file),
    )
    expect(suspicious.filter((file) => !file.startsWith('app/node_modules/'))).toEqual([])
    expect(suspicious.filter((file) => /\.(pem|key|p12|pfx)$/.test(file))).toEqual([])
  })

  test('holds no private key in our files', async () => {
    const ours = files.filter((file) => !file.startsWith('app/node_modules/'))
    const texts = await Promise.all(ours.map((file) => readFile(join(image.root, file), 'latin1')))
    expect(ours.filter((_, at) => /-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]/.test(texts[at] ?? ''))).toEqual(
      [],
    )
  })
})

describe('the program of the image', () => {
  let stage: Stage
  let place: string

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'stint-image-stage-'))
    stage = await setStage({ folder: place })
    if (process.getuid?.() === 0) await giveAway(place)
  })

  afterAll(async () => {
    await stage.close()
    await rm(place, { recursive: true, force: true })
  })

  test('says its version', async () => {
    const process = runImage(image, ['--version'])
    expect(await process.ended).toEqual({ code: 0, signal: null })
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    expect(process.output()).toEqual({ stdout: `${version}\n`, stderr: '' })
  })

  test('accepts a good config', async () => {
    const process = runImage(image, ['config', 'check', '--config', stage.configFile])
    expect(await process.ended).toEqual({ code: 0, signal: null })
    expect(process.output().stdout).toBe('ok\n')
  })

  test('refuses to serve without a config, with a sentence', async () => {
    const process = runImage(image, execForm(image.final, 'CMD'))
    expect((await process.ended).code).not.toBe(0)
    expect(process.output().stderr).toContain('CONFIG_INVALID')
  })

  test('serves, is healthy, ignores SIGUSR1, and stops on SIGTERM with 0', async () => {
    const process = runImage(image, [...execForm(image.final, 'CMD'), '--config', stage.configFile])
    try {
      const [, port] = await process.stderrMatches(/"health":(\d+),.*"msg":"serving"/)
      expect(await checkHealth(`127.0.0.1:${port}`, '')).toBe('SERVING')
      // Ready once STS has taken its credentials.
      await expect
        .poll(() => checkHealth(`127.0.0.1:${port}`, 'stint.v1.BrokerService'), { timeout: 20_000 })
        .toBe('SERVING')
      process.child.kill('SIGUSR1')
      expect(await checkHealth(`127.0.0.1:${port}`, '')).toBe('SERVING')
      process.child.kill('SIGTERM')
      expect(await process.ended).toEqual({ code: 0, signal: null })
      expect(process.output().stderr).not.toContain('Debugger')
    } finally {
      process.child.kill('SIGKILL')
    }
  })

  test('has written nothing into its own tree', async () => {
    const now = await filesBelow(image.root)
    expect(now.filter((file) => file !== 'nodejs/bin/node')).toEqual(files)
  })
})

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

/** The process of the image runs as another user than this one, and needs its files. */
async function giveAway(root: string): Promise<void> {
  await chown(root, NONROOT, NONROOT)
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  for (const entry of entries) await chown(join(entry.parentPath, entry.name), NONROOT, NONROOT)
}
