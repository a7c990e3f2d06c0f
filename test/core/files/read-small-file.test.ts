import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSmallFile, readSmallFileSync, UnusableFileError } from '../../../src/core/files/read-small-file.ts'
import { makeNamedPipe } from '../../support/named-pipe.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stint-files-'))
  await writeFile(join(folder, 'plain'), 'grüße\n')
  await symlink('plain', join(folder, 'link'))
  await writeFile(join(folder, 'latin1'), Buffer.from([0x67, 0xfc]))
  await writeFile(join(folder, 'at-limit'), 'x'.repeat(64))
  await writeFile(join(folder, 'over-limit'), 'x'.repeat(65))
  await mkdir(join(folder, 'folder'))
  makeNamedPipe(join(folder, 'pipe'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const readers = {
  readSmallFile: (name: string) => readSmallFile(join(folder, name), { maxBytes: 64 }),
  readSmallFileSync: async (name: string) => readSmallFileSync(join(folder, name), { maxBytes: 64 }),
}

for (const [reader, read] of Object.entries(readers)) {
  describe(reader, () => {
    test('gives text and a hash of the bytes, through a link too', async () => {
      const plain = await read('plain')
      expect(plain.text).toBe('grüße\n')
      expect(plain.hash).toMatch(/^[0-9a-f]{64}$/)
      expect(await read('link')).toEqual(plain)
      expect((await read('at-limit')).text).toHaveLength(64)
    })

    for (const { name, why } of [
      { name: 'absent', why: 'cannot be read (ENOENT)' },
      { name: 'folder', why: 'is not a plain file' },
      { name: 'pipe', why: 'is not a plain file' }, // opening one without a writer waits for ever
      { name: 'latin1', why: 'is not valid UTF-8' },
      { name: 'over-limit', why: 'is larger than 64 bytes' },
      { name: '/dev/zero', why: 'is not a plain file' }, // has size 0 and never ends
    ]) {
      test(`refuses ${name}: it ${why}`, async () => {
        const target = name.startsWith('/') ? name.slice(1).replace(/^/, '../'.repeat(folder.split('/').length)) : name
        await expect(read(target)).rejects.toThrow(new UnusableFileError(why))
      })
    }

    // A file of /proc says that it has 0 bytes, and yet holds more than the limit.
    test.runIf(process.platform === 'linux')('bounds what it reads, whatever size the file claims', async () => {
      const claimsNothing = `${'../'.repeat(folder.split('/').length)}proc/self/status`
      await expect(read(claimsNothing)).rejects.toThrow(new UnusableFileError('is larger than 64 bytes'))
    })
  })
}

test('a pipe is read to its end where one is taken, a folder never', async () => {
  const read = readSmallFile(join(folder, 'pipe'), { pipes: true })
  await writeFile(join(folder, 'pipe'), 'from a shell')
  expect((await read).text).toBe('from a shell')
  await expect(readSmallFile(join(folder, 'folder'), { pipes: true })).rejects.toBeInstanceOf(UnusableFileError)
})
