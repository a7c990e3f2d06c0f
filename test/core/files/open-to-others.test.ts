import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openToOthers } from '../../../src/core/files/open-to-others.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-modes-'))
  file = join(folder, 'agents.yaml')
  writeFileSync(file, 'agents: []')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

for (const { name, mode, folderMode, secret, found } of [
  { name: 'a file for its owner', mode: 0o600, folderMode: 0o700, secret: true, found: undefined },
  { name: 'a file that others may read', mode: 0o644, folderMode: 0o755, secret: false, found: undefined },
  {
    name: 'a secret for its group, as fsGroup makes it',
    mode: 0o640,
    folderMode: 0o775,
    secret: true,
    found: undefined,
  },
  { name: 'a secret that others may read', mode: 0o644, folderMode: 0o755, secret: true, found: 'may read' },
  { name: 'a file that others may write', mode: 0o606, folderMode: 0o755, secret: false, found: 'may write' },
  { name: 'a file in an open folder', mode: 0o600, folderMode: 0o777, secret: false, found: 'may replace' },
  {
    name: 'a file in an open folder with the sticky bit',
    mode: 0o600,
    folderMode: 0o1777,
    secret: true,
    found: undefined,
  },
]) {
  test(`${name}: ${found ?? 'nothing to say'}`, () => {
    chmodSync(file, mode)
    chmodSync(folder, folderMode)
    const sentence = openToOthers(file, { secret })
    if (found === undefined) expect(sentence).toBeUndefined()
    else expect(sentence).toContain(found)
  })
}

test('a link is judged by the file that it leads to', () => {
  const elsewhere = join(folder, 'private')
  mkdirSync(elsewhere, { mode: 0o700 })
  symlinkSync(file, join(elsewhere, 'link'))
  chmodSync(file, 0o666)
  expect(openToOthers(join(elsewhere, 'link'))).toContain('may write')
})

test('a file that is not there is another check to tell', () => {
  expect(openToOthers(join(folder, 'absent'))).toBeUndefined()
})
