import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type WholeFileOptions, writeFileWhole } from '../../../src/core/files/write-file-whole.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  file = join(folder, 'token')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Two pieces; `between` runs when the first is written and the second is not. */
async function* halves(between: () => void): AsyncGenerator<string> {
  yield 'first half, '
  between()
  yield 'second half'
}

for (const options of [{}, { durable: true }, { mustBeNew: true }] satisfies WholeFileOptions[])
  test(`a file with ${JSON.stringify(options)} is not there before it is whole`, async () => {
    let seen = true
    await writeFileWhole(
      file,
      halves(() => {
        seen = existsSync(file)
      }),
      options,
    )
    expect(seen).toBe(false)
    expect(readFileSync(file, 'utf8')).toBe('first half, second half')
    expect(readdirSync(folder)).toEqual(['token'])
  })

test('the file of before stands until the new one is whole', async () => {
  writeFileSync(file, 'before')
  let seen = ''
  await writeFileWhole(
    file,
    halves(() => {
      seen = readFileSync(file, 'utf8')
    }),
  )
  expect(seen).toBe('before')
  expect(readFileSync(file, 'utf8')).toBe('first half, second half')
})

test('a source that fails leaves the file of before, and nothing beside it', async () => {
  writeFileSync(file, 'before')
  const failing = halves(() => {
    throw new Error('the source broke off')
  })
  await expect(writeFileWhole(file, failing)).rejects.toThrow('the source broke off')
  expect(readFileSync(file, 'utf8')).toBe('before')
  expect(readdirSync(folder)).toEqual(['token'])
})

for (const { name, make } of [
  { name: 'a file', make: () => writeFileSync(file, 'mine') },
  { name: 'a link to nothing', make: () => symlinkSync(join(folder, 'nowhere'), file) },
])
  test(`what must be new takes the place of no other: ${name}`, async () => {
    make()
    await expect(writeFileWhole(file, 'text', { mustBeNew: true })).rejects.toMatchObject({ code: 'EEXIST' })
    expect(readdirSync(folder)).toEqual(['token'])
  })

test('what must be new does not take the place of a file that came while it was written', async () => {
  const content = halves(() => writeFileSync(file, 'another'))
  await expect(writeFileWhole(file, content, { mustBeNew: true })).rejects.toMatchObject({ code: 'EEXIST' })
  expect(readFileSync(file, 'utf8')).toBe('another')
  expect(readdirSync(folder)).toEqual(['token'])
})

test('a file is for its owner alone unless said otherwise', async () => {
  const open = join(folder, 'open')
  await writeFileWhole(file, 'text')
  await writeFileWhole(open, 'text', { mode: 0o644 })
  expect([statSync(file).mode & 0o777, statSync(open).mode & 0o044]).toEqual([0o600, 0o044])
})

test('a folder that is not there is ENOENT', async () => {
  await expect(writeFileWhole(join(folder, 'none', 'token'), 'text')).rejects.toMatchObject({ code: 'ENOENT' })
})
