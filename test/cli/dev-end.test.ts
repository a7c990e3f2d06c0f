import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

for (const { name, signal } of [
  { name: 'ctrl-C', signal: 'SIGINT' },
  { name: 'a closed terminal', signal: 'SIGHUP' },
] as const)
  test(`npm run dev leaves nothing behind after ${name}`, async () => {
    const place = mkdtempSync(join(tmpdir(), 'stint-test-'))
    const file = join(place, 'dev.env')
    const env = { ...process.env, TMPDIR: place, npm_config_update_notifier: 'false' }
    const argv = ['run', '--silent', 'dev', '--', '--write-env', file]
    // A process group of its own, like a job of a terminal: npm and Stint both get the signal, and npm passes it on.
    const child = spawn('npm', argv, { cwd: CHECKOUT, env, stdio: 'ignore', detached: true })
    try {
      await eventually('the variables of stint dev', () => existsSync(file))
      process.kill(-(child.pid ?? 0), signal)
      await once(child, 'exit')
      await eventually('an empty folder', () => readdirSync(place).length === 0)
      expect(readdirSync(place)).toEqual([])
    } finally {
      child.kill('SIGKILL')
      rmSync(place, { recursive: true, force: true })
    }
  })
