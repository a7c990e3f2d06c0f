import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createGuardedFetch } from '../../src/core/net/guarded-fetch.ts'
import type { Receiver } from '../../src/notice/sending/receiver.ts'
import { sendToSlack } from '../../src/notice/slack/slack-receiver.ts'
import { expandTypePatterns } from '../../src/notice/types/notice-types.ts'
import { caller, DECISIONS, type Harness, OLGA, openHarness, task } from '../support/grant-harness.ts'
import { startNotices } from './notice-stage.ts'

const MINUTE = 60_000
const TOKEN = 'xoxb-1234567890-abcdefghij'

interface Call {
  readonly method: string
  readonly authorization: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what was sent
  readonly body: any
}

/** A loopback server in the shape of Slack's Web API, which answers as told once for each entry of `faults`. */
async function startSlack() {
  const calls: Call[] = []
  const faults: ((request: IncomingMessage, response: ServerResponse) => void)[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (part) => {
      text += part
    })
    request.on('end', () => {
      const body = JSON.parse(text)
      calls.push({
        method: (request.url ?? '').replace('/api/', ''),
        authorization: request.headers.authorization,
        body,
      })
      const fault = faults.shift()
      if (fault) return fault(request, response)
      const ts = body.ts ?? `1700000000.00000${calls.length}`
      response.end(JSON.stringify({ ok: true, channel: 'C0REAL', ts }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    calls,
    faults,
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

let h: Harness
let slack: Awaited<ReturnType<typeof startSlack>>
let tokenFile: string
beforeEach(async () => {
  h = await openHarness()
  h.rules.decision = DECISIONS.approval
  slack = await startSlack()
  tokenFile = join(mkdtempSync(join(tmpdir(), 'stint-slack-')), 'token')
  writeFileSync(tokenFile, `${TOKEN}\n`)
})
afterEach(async () => {
  await h.close()
  h.remove()
  await slack.close()
})

const channel = (more: Partial<Receiver> = {}): Receiver => ({
  ...{ name: 'team', target: 'slack', types: expandTypePatterns(['approval.*']), filter: {}, escalations: [] },
  ...{ timeoutMs: 300, retryMs: 3 * 86_400_000, oneByQuestion: true, ...more },
  send: (notice, signal) =>
    sendToSlack(
      {
        ...{ name: 'team', channel: 'C0TEAM', apiUrl: slack.apiUrl, tokenFile, ledger: h.ledger, clock: h.clock },
        adminUrl: 'https://stint.example.org',
        openFetch: async () => createGuardedFetch({ httpOnLoopback: true, timeoutMs: 300, maxBytes: 65_536 }),
      },
      notice,
      signal,
    ),
})
const begun = async (receiver = channel()) => {
  const stage = startNotices(h.ledger, h.clock, [receiver])
  await stage.tick()
  return stage
}
const pass = async (stage: { tick(): Promise<void> }, ms: number, stepMs = MINUTE / 2) => {
  for (let passed = 0; passed < ms; passed += stepMs) {
    await h.clock.advance(stepMs)
    await stage.tick()
  }
}
const decide = async (grantId: string, verdict: 'approve' | 'reject') => {
  const approval = await h.ledger.findApproval(grantId)
  if (!approval) throw new Error('no approval')
  return h.operators.decideApproval(OLGA, approval.id, { verdict, planHash: approval.planHash, note: 'looked at' })
}
const methods = () => slack.calls.map(({ method }) => method)

describe('a question in a channel', () => {
  test('is one message, which follows it to its end', async () => {
    const stage = await begun()
    const { grant } = await h.request('key-number-1')
    await stage.tick()
    await decide(grant.id, 'approve')
    await stage.tick()
    await stage.tick()
    const [posted, ...updates] = slack.calls
    expect(posted).toMatchObject({
      method: 'chat.postMessage',
      authorization: `Bearer ${TOKEN}`,
      body: { channel: 'C0TEAM', unfurl_links: false, unfurl_media: false, parse: 'none', link_names: false },
    })
    expect(posted?.body.text).toBe('Waits for approval: spiffe://example.org/bot')
    const approval = await h.ledger.findApproval(grant.id)
    expect(JSON.stringify(posted?.body.blocks)).toContain(`https://stint.example.org/v1/approvals/${approval?.id}`)
    expect(new Set(updates.map(({ method, body }) => `${method} ${body.channel} ${body.ts}`))).toEqual(
      new Set(['chat.update C0REAL 1700000000.000001']),
    )
    expect(updates.at(-1)?.body.text).toBe('Approved: spiffe://example.org/bot')
    expect(JSON.stringify(updates.at(-1)?.body.blocks)).toContain('operator:olga')
    expect(JSON.stringify(updates.at(-1)?.body.blocks)).not.toContain('/v1/approvals/')
  })

  test('shows what the agent wrote as plain text, whatever that is', async () => {
    const stage = await begun()
    await h.request(
      'key-number-1',
      task(undefined, { purpose: 'see <https://evil.example|the docs> & ask <!channel> *now*' }),
    )
    await stage.tick()
    const { blocks, text } = slack.calls[0]?.body ?? {}
    const says = blocks.find((block: { text?: { text?: string } }) => block.text?.text?.startsWith('The agent says'))
    expect(says.text).toEqual({
      type: 'plain_text',
      text: 'The agent says: see <https://evil.example|the docs> & ask <!channel> *now*',
      emoji: false,
    })
    expect(text).not.toContain('evil')
    const marked = JSON.stringify(blocks).match(/"type":"mrkdwn","text":"[^"]*"/g)
    expect(marked).toHaveLength(1)
    expect(marked?.[0]).toMatch(/<https:\/\/stint\.example\.org\/v1\/approvals\/apr_\w+\|Open the request>/)
    expect(JSON.stringify(blocks)).not.toContain('"button"')
  })

  test('that expires unanswered is reminded of in its thread, and then shown as expired', async () => {
    const stage = await begun()
    await h.request('key-number-1')
    await stage.tick()
    await pass(stage, 9 * MINUTE)
    expect(methods()).toEqual(['chat.postMessage', 'chat.postMessage', 'chat.postMessage'])
    expect(slack.calls[1]?.body).toMatchObject({ thread_ts: '1700000000.000001', reply_broadcast: true })
    await h.clock.advance(2 * MINUTE)
    await h.sweeper.sweep()
    await stage.tick()
    expect(slack.calls.at(-1)).toMatchObject({ method: 'chat.update', body: { ts: '1700000000.000001' } })
    expect(slack.calls.at(-1)?.body.text).toContain('Nobody answered in time')
  })

  test('that was closed before the channel could be told is told as closed, once', async () => {
    slack.faults.push((_, response) => response.writeHead(503).end())
    const stage = await begun()
    const { grant } = await h.request('key-number-1')
    await stage.tick()
    await h.grants.completeGrant(caller(), grant.id, 'no')
    await pass(stage, 12 * MINUTE)
    expect(methods().filter((method) => method === 'chat.postMessage')).toHaveLength(2)
    expect(slack.calls.at(-1)?.body.text).toContain('Withdrawn by the agent')
  })

  test('whose message somebody removed is told anew', async () => {
    const stage = await begun()
    const { grant } = await h.request('key-number-1')
    await stage.tick()
    slack.faults.push((_, response) => response.end('{"ok":false,"error":"message_not_found"}'))
    await decide(grant.id, 'reject')
    await stage.tick()
    await stage.tick()
    expect(slack.calls[2]).toMatchObject({ method: 'chat.postMessage' })
    expect(slack.calls.at(-1)?.body.text).toContain('Rejected')
  })
})

describe('a Slack that', () => {
  for (const { name, fault, error } of [
    {
      name: 'limits the rate',
      fault: (_: unknown, response: ServerResponse) =>
        response.writeHead(429, { 'retry-after': '30' }).end('{"ok":false}'),
      error: 'Slack answered 429.',
    },
    {
      name: 'does not know the channel',
      fault: (_: unknown, response: ServerResponse) => response.end('{"ok":false,"error":"channel_not_found"}'),
      error: 'Slack answered channel_not_found.',
    },
    {
      name: 'answers with a page',
      fault: (_: unknown, response: ServerResponse) => response.end('<html>'),
      error: 'not an answer of its API',
    },
    { name: 'hangs', fault: () => {}, error: 'within 300 ms' },
    {
      name: 'cuts the connection',
      fault: (request: IncomingMessage) => request.socket.destroy(),
      error: 'closed the connection',
    },
    {
      name: 'answers more than there is to say',
      fault: (_: unknown, response: ServerResponse) => response.end('x'.repeat(200_000)),
      error: 'exceeds',
    },
  ] as const) {
    test(`${name} gets the message later, and shows on the status until then`, async () => {
      slack.faults.push(fault as never)
      const stage = await begun()
      await h.request('key-number-1')
      await stage.tick()
      await stage.tick()
      const problem = stage.partHealth.problems().find(({ component }) => component === 'notices:team')
      expect(problem?.explanation).toContain(error)
      expect(problem?.explanation).not.toContain('xoxb')
      await pass(stage, 7 * MINUTE)
      expect(slack.calls.length).toBeGreaterThan(1)
      expect(stage.problems()).toEqual([])
    })
  }
})

test('a token file that holds none is refused without being shown', async () => {
  writeFileSync(tokenFile, 'my-password')
  const content = { eventId: 'evt_1', at: h.clock.now().toISOString(), summary: 'test', facts: {} }
  const sent = await channel().send(
    { id: 'a', type: 'test', count: 1, attempts: 1, content },
    new AbortController().signal,
  )
  expect(sent).toMatchObject({ kind: 'failed', error: expect.stringContaining('xoxb-') })
  expect(JSON.stringify(sent)).not.toContain('my-password')
})
