import { expect, test } from 'vitest'
import { NoticeBuffer, readNotice } from '../../../src/ledger/postgres/sharing/notice-buffer.ts'

const ids = (count: number) => Array.from({ length: count }, (_, n) => `grt_${String(n).padStart(26, '0')}`)

for (const { name, told, heard } of [
  { name: 'one grant', told: ids(1), heard: ids(1) },
  { name: 'one grant twice', told: [...ids(1), ...ids(1)], heard: ids(1) },
  { name: 'many grants', told: ids(1_000), heard: ids(1_000) },
  { name: 'more than a round of notifications holds', told: ids(10_000), heard: undefined },
  { name: 'everything', told: [...ids(3), undefined, ...ids(5)], heard: undefined },
]) {
  test(`${name}: others hear what was told, in notifications that the server takes`, () => {
    const buffer = new NoticeBuffer()
    for (const id of told) buffer.add(id)
    const texts = buffer.take()
    // NOTIFY takes less than 8,000 bytes (postgresql.org/docs/current/sql-notify.html)
    expect(texts.every((text) => Buffer.byteLength(text) < 8_000)).toBe(true)
    expect(texts.length).toBeLessThanOrEqual(8)
    const all = texts.map(readNotice)
    expect(all.includes(undefined) ? undefined : all.flat()).toEqual(heard)
    expect(buffer.isEmpty).toBe(true)
  })
}

test('a buffer that was emptied begins anew', () => {
  const buffer = new NoticeBuffer()
  for (const id of ids(10_000)) buffer.add(id)
  buffer.take()
  buffer.add('grt_1')
  expect(buffer.take()).toEqual(['grt_1'])
})
