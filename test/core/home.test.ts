import { expect, test } from 'vitest'
import { nameMissingHome } from '../../src/core/process/home.ts'

test('a user without a home has the root for one, and the others keep theirs', () => {
  const missing: NodeJS.ProcessEnv = {}
  nameMissingHome({
    env: missing,
    home: () => {
      throw new Error('uv_os_homedir returned ENOENT')
    },
  })
  expect(missing).toEqual({ HOME: '/' })
  const known: NodeJS.ProcessEnv = {}
  nameMissingHome({ env: known, home: () => '/home/ann' })
  expect(known).toEqual({})
})
