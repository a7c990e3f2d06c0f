import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openStageFolder } from '../../src/practice/stage/stage-folder.ts'

const MODULE = new URL('../../src/practice/stage/stage-folder.ts', import.meta.url).href
const OPEN = `const { path } = (await import('${MODULE}')).openStageFolder('stint-dev-'); process.stdout.write(path)`
const children: ChildProcess[] = []
let place = ''

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'stint-test-'))
  vi.stubEnv('TMPDIR', place)
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  vi.unstubAllEnvs()
  rmSync(place, { recursive: true, force: true })
})

/** Another process that has a folder open. */
async function openElsewhere(): Promise<{ path: string; kill: () => Promise<unknown> }> {
  const child = spawn(process.execPath, ['-e', `${OPEN}; setInterval(() => {}, 60_000)`], { stdio: 'pipe' })
  children.push(child)
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  const kill = () => {
    child.kill('SIGKILL')
    return once(child, 'exit')
  }
  return { path: chunk.toString(), kill }
}

test('the folder of a process that was killed is removed by the next one, that of a running one is not', async () => {
  const [killed, running] = [await openElsewhere(), await openElsewhere()]
  await killed.kill()
  expect(existsSync(killed.path)).toBe(true)
  const own = openStageFolder('stint-dev-')
  expect(existsSync(killed.path)).toBe(false)
  expect(existsSync(running.path)).toBe(true)
  own.remove()
  expect(existsSync(own.path)).toBe(false)
})

test('a process that ends without removing its folder leaves none', async () => {
  const child = spawn(process.execPath, ['-e', `${OPEN}; process.exit(1)`], { stdio: 'pipe' })
  const [path] = await Promise.all([text(child.stdout), once(child, 'close')])
  expect(path).toMatch(/stint-dev-/)
  expect(existsSync(path)).toBe(false)
})

test('a folder of the same name that was not made here is left alone', () => {
  mkdirSync(join(place, 'stint-dev-notes'))
  writeFileSync(join(place, 'stint-dev-notes', 'mine.txt'), 'mine')
  writeFileSync(join(place, 'stint-dev-file'), 'mine')
  openStageFolder('stint-dev-').remove()
  expect(readdirSync(place).sort()).toEqual(['stint-dev-file', 'stint-dev-notes'])
})

test('two folders of one process do not take each other for leftovers', () => {
  const [one, other] = [openStageFolder('stint-dev-'), openStageFolder('stint-dev-')]
  expect(existsSync(one.path)).toBe(true)
  one.remove()
  expect(existsSync(other.path)).toBe(true)
  other.remove()
})
