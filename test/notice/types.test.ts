import { describe, expect, test } from 'vitest'
import type { EventType } from '../../src/ledger/events/audit-event.ts'
import type { AuditEvent } from '../../src/ledger/records.ts'
import { describeEvent } from '../../src/notice/types/describe-event.ts'
import { contentText, parseContent } from '../../src/notice/types/notice-content.ts'
import {
  expandTypePatterns,
  isTypePattern,
  NOTICE_TYPE_NAMES,
  NOTICE_TYPES,
  noticeSpec,
} from '../../src/notice/types/notice-types.ts'

const book = { find: async () => undefined, findApproval: async () => 'apr_1' } as never
const event = (type: string, data: object = {}, actor = 'stint'): AuditEvent => ({
  ...{ type, at: new Date('2026-11-21T12:00:00Z'), actor, data: data as never, grantId: 'grt_1', id: 'evt_1' },
  ...{ position: 1, seq: 1, prevHash: '', hash: '' },
})
/** Data with which an event passes the `when` of its types. */
const PASSING: Partial<Record<EventType, object>> = {
  'lease.issued': { number: 1 },
  'deny.failed': { attempt: 3, waiting: 2 },
  'canary.failed': { code: 'DENY_LIST_LATE' },
}

describe('every event that a notice is made from', () => {
  const types = [...new Set(NOTICE_TYPE_NAMES.flatMap((type) => noticeSpec(type).from))]
  for (const type of types) {
    test(`${type} has a sentence of its own`, async () => {
      const [happening, ...more] = await describeEvent(event(type, PASSING[type]), book)
      expect(more).toEqual([])
      expect(happening?.content.summary).toMatch(/^\S.{15,}\.$/)
      expect(parseContent(contentText(happening?.content as never))).toEqual(happening?.content)
    })
  }
})

test('texts and lists of an event are cut', async () => {
  const data = { denyList: 'x'.repeat(9_000), found: 'content' }
  const [drift] = await describeEvent(event('deny.changed', data), book)
  expect(contentText(drift?.content as never).length).toBeLessThan(2_000)
  const changes = Array.from({ length: 900 }, () => 'y'.repeat(600))
  const [voided] = await describeEvent(event('approval.voided', { approvalId: 'apr_1', changes }), book)
  expect(contentText(voided?.content as never).length).toBeLessThan(30_000)
})

for (const { data, isStuck } of [
  { data: { attempt: 1, waiting: 5 }, isStuck: false },
  { data: { attempt: 3, waiting: 5 }, isStuck: true },
  { data: { attempt: 4, waiting: 5 }, isStuck: false },
  { data: { attempt: 10, waiting: 5 }, isStuck: true },
  { data: { attempt: 3, waiting: 0 }, isStuck: false },
])
  test(`a deny list that failed as ${JSON.stringify(data)} is ${isStuck ? '' : 'not '}told as stuck`, async () => {
    const found = await describeEvent(event('deny.failed', data), book)
    expect(found.map(({ type }) => type)).toEqual(isStuck ? ['revocation.stuck'] : [])
  })

test('credentials after the first are no news', async () => {
  expect(await describeEvent(event('lease.issued', { number: 2 }), book)).toEqual([])
})

test('a pattern names a type, a family or all of those that can be chosen', () => {
  expect(expandTypePatterns(['kill.*', 'part.broken'])).toEqual([
    'kill.set',
    'kill.enforced',
    'kill.lifted',
    'part.broken',
  ])
  expect(expandTypePatterns(['*'])).toEqual(Object.keys(NOTICE_TYPES).filter((type) => type !== 'approval.escalated'))
  for (const bad of ['', 'kill', 'kill.', 'kil.*', '**', 'approval.escalated', 'KILL.SET'])
    expect(isTypePattern(bad), bad).toBe(false)
})
