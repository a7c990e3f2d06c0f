import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { configSchema } from '../../src/config/schema.ts'
import { NOTICE_TYPES, type NoticeType, noticeSpec } from '../../src/notice/types/notice-types.ts'
import { SECRETS } from '../notice/notice-stage.ts'
import { fencedBlocks } from './markdown.ts'
import { CHECKOUT } from './reader.ts'

const FILE = join(CHECKOUT, 'docs/webhooks.md')
const page = readFileSync(FILE, 'utf8')
const block = (flag: string) => fencedBlocks(page).find(({ flags }) => flags.includes(flag))?.text ?? ''

test('docs/webhooks.md has every type of notice, in the words of its table', () => {
  const rows = Object.keys(NOTICE_TYPES).map((type) => `| \`${type}\` | ${noticeSpec(type as NoticeType).about} |`)
  const table = `| type | |\n| --- | --- |\n${rows.join('\n')}\n`
  const now = /\| type \| \|\n\| --- \| --- \|\n(?:\|.*\n)+/
  if (process.env.STINT_UPDATE_DOCS) writeFileSync(FILE, page.replace(now, table))
  expect(readFileSync(FILE, 'utf8')).toContain(table)
})

test('every configuration of docs/webhooks.md is one', () => {
  const smallest = fencedBlocks(readFileSync(join(CHECKOUT, 'docs/config.md'), 'utf8')).find(({ flags }) =>
    flags.includes('config'),
  )
  const blocks = fencedBlocks(page).filter(({ flags }) => flags.includes('notices'))
  expect(blocks).toHaveLength(2)
  for (const { text, line } of blocks)
    expect(
      configSchema.safeParse({ ...parse(smallest?.text ?? ''), ...parse(text) }).error,
      `line ${line}`,
    ).toBeUndefined()
})

test('the example of docs/webhooks.md verifies the message that it shows, and no other', async () => {
  const folder = mkdtempSync(join(CHECKOUT, 'node_modules', '.webhooks-'))
  const file = join(folder, 'verify.mjs')
  writeFileSync(file, block('verify'))
  const { receive } = await import(file).finally(() => rmSync(folder, { recursive: true }))
  const body = JSON.stringify(JSON.parse(block('notice')))
  const [at, id] = [new Date(), 'evt_1.approval.asked.on-call']
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(SECRETS[0]).sign(id, at, body),
  }
  expect(receive(headers, body, SECRETS[0])).toEqual({
    seen: id,
    type: 'stint.approval.asked',
    summary: expect.stringContaining('waits for an approval'),
  })
  expect(() => receive(headers, body.replace('staging', 'prod'), SECRETS[0])).toThrow()
})
