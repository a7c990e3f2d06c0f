import assert from 'node:assert/strict'
import { test } from 'vitest'
import { isId, randomIds } from '../../src/core/ids.ts'

test('ids stay unlike each other, also where fresh random bytes are drawn', () => {
  const now = new Date('2026-11-21T12:00:00.000Z')
  const ids = Array.from({ length: 5_000 }, () => randomIds.next('grt', now))
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(ids.every((id) => isId('grt', id)))
  const last = new Set(ids.map((id) => id.at(-1)))
  assert.equal(last.size, 32, 'every character of the alphabet turns up in the random part')
})
