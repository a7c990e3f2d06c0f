import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runUntilSignalled } from '../../src/cli/server-commands/serve.ts'
import { StintError } from '../../src/core/errors.ts'
import { Signals } from '../support/cli.ts'

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const FAILURE = new StintError('LEDGER_UNAVAILABLE', { explanation: 'The ledger can no longer be written.' })

for (const { name, failed, thrown, said } of [
  {
    name: 'what a broker failed with is thrown, and what its stop failed with is said',
    failed: Promise.resolve(FAILURE),
    thrown: FAILURE.code,
    said: 'stint: INTERNAL: A part does not stop.\n',
  },
  {
    name: 'what the stop of a broker failed with after a signal is thrown',
    failed: new Promise<StintError>(() => undefined),
    thrown: 'INTERNAL',
    said: '',
  },
])
  test(name, async () => {
    const signals = new Signals()
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const io = { argv: [], stdin: new PassThrough(), stdout, stderr, env: {}, onSignal: signals.on }
    const stop = () => Promise.reject(new StintError('INTERNAL', { explanation: 'A part does not stop.' }))
    const started = () => {
      if (thrown === 'INTERNAL') signals.send('SIGTERM')
    }
    const run = runUntilSignalled(io, async () => ({ failed, stop }), { started })
    await expect(run).rejects.toMatchObject({ code: thrown })
    stderr.end()
    expect(await text(stderr)).toBe(said)
  })

// npm passes on the signal that its child has heard from the terminal as well.
test('a signal that comes twice at once is one signal: the broker is stopped in order', async () => {
  const signals = new Signals()
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const io = { argv: [], stdin: new PassThrough(), stdout, stderr, env: {}, onSignal: signals.on }
  let isStopped = false
  const stop = async () => {
    isStopped = true
  }
  const started = () => {
    signals.send('SIGINT')
    signals.send('SIGINT')
  }
  await runUntilSignalled(io, async () => ({ failed: new Promise<never>(() => undefined), stop }), { started })
  expect(isStopped).toBe(true)
})

// A daemon's way to say that its configuration has changed; see also the reload tests.
test('SIGHUP is told to a broker that follows its configuration, once it has started, and ends nothing', async () => {
  const signals = new Signals()
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const io = { argv: [], stdin: new PassThrough(), stdout, stderr, env: {}, onSignal: signals.on }
  const heard: string[] = []
  const start = async () => {
    signals.send('SIGHUP')
    return { failed: new Promise<never>(() => undefined), stop: async () => void heard.push('stop') }
  }
  const started = () => {
    signals.send('SIGHUP')
    signals.send('SIGTERM')
  }
  await runUntilSignalled(io, start, { started, onHangup: () => void heard.push('look') })
  expect(heard).toEqual(['look', 'stop'])
})

test('a part that never lets go does not keep the process of stint serve alive; its exit code and words stay', async () => {
  const holding = 'data:text/javascript,setInterval(() => {}, 1_000)'
  const argv = ['--import', holding, CLI, 'serve', '--config', '/no/such/stint.yaml']
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'], env: {} })
  try {
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    expect(code).toBe(1)
    expect(said).toContain('stint: CONFIG_INVALID: /no/such/stint.yaml')
  } finally {
    child.kill('SIGKILL')
  }
})
