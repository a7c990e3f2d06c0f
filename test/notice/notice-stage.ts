import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { randomIds } from '../../src/core/ids.ts'
import { createGuardedFetch } from '../../src/core/net/guarded-fetch.ts'
import { auditEvent } from '../../src/ledger/events/audit-event.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createNoticeService } from '../../src/notice/notice-service.ts'
import { Notices } from '../../src/notice/notices.ts'
import { PartWatch } from '../../src/notice/part-watch.ts'
import type { Receiver } from '../../src/notice/sending/receiver.ts'
import { GrantBook } from '../../src/notice/types/grant-facts.ts'
import { expandTypePatterns } from '../../src/notice/types/notice-types.ts'
import { sendToWebhook } from '../../src/notice/webhook/webhook-receiver.ts'
import type { ManualClock } from '../support/manual-clock.ts'

/** 24 bytes, the fewest that the standard allows, and another one. */
export const SECRETS = [
  `whsec_${Buffer.alloc(24, 1).toString('base64')}`,
  `whsec_${Buffer.alloc(64, 2).toString('base64')}`,
] as const

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what was sent
  readonly event: any
}

type Answer = number | ((request: IncomingMessage, response: ServerResponse) => void)

/** A receiver on loopback that answers as told, 204 unless. */
export async function startReceiver() {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const state: { answer: Answer } = { answer: 204 }
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString()
      received.push({ headers: request.headers, body, event: JSON.parse(body) })
      const { answer } = state
      if (typeof answer === 'function') answer(request, response)
      else response.writeHead(answer).end()
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    received,
    url: `http://127.0.0.1:${port}/hook`,
    answer: (answer: Answer) => {
      state.answer = answer
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A file with these secrets. */
export function secretFile(...secrets: readonly string[]): string {
  const file = join(mkdtempSync(join(tmpdir(), 'stint-notice-')), 'secret')
  writeFileSync(file, `${secrets.join('\n')}\n`)
  return file
}

export interface WebhookOptions extends Partial<Omit<Receiver, 'send'>> {
  readonly url: string
  readonly file: string
  readonly events?: readonly string[]
  readonly allowPrivate?: readonly string[]
  readonly httpOnLoopback?: boolean
}

/** A webhook by the code that a broker uses. */
export function webhook(name: string, options: WebhookOptions, clock: ManualClock): Receiver {
  const { url, file, events = ['*'], httpOnLoopback = true, allowPrivate = [], timeoutMs = 300, ...rest } = options
  return {
    name,
    target: URL.parse(url)?.host ?? '',
    types: expandTypePatterns(events),
    filter: {},
    escalations: [],
    timeoutMs,
    retryMs: 3 * 86_400_000,
    ...rest,
    send: (notice, signal) =>
      sendToWebhook(
        {
          ...{ name, url, secretFile: file, clock, ledgerId: 'LEDGER', adminUrl: 'https://stint.example.org' },
          openFetch: async () => createGuardedFetch({ httpOnLoopback, allowPrivate, timeoutMs }),
        },
        notice,
        signal,
      ),
  }
}

/** The sending side of one replica, ticked by the test. */
export function startNotices(
  ledger: Ledger,
  clock: ManualClock,
  receivers: readonly Receiver[],
  { owner = 'one', remindAt = [0.5, 0.8] }: { owner?: string; remindAt?: readonly number[] } = {},
) {
  const partHealth = new PartHealth({ logger: { info() {}, warn() {}, error() {} } as never, clock })
  const parts = { ledger, clock, owner, partHealth }
  const notices = new Notices({
    ...parts,
    book: new GrantBook(ledger),
    random: () => 0.5,
    gather: { remindAt },
    partWatch: new PartWatch({ ledger, clock, replica: owner, problems: () => partHealth.problems() }),
  })
  notices.replace(receivers)
  return {
    notices,
    partHealth,
    service: createNoticeService({ ledger, clock, ids: randomIds, owner, receivers: () => notices.receivers }),
    /** One look, and all the work that it began. */
    tick: async () => {
      await notices.tick()
      await notices.settled()
    },
    problems: () =>
      partHealth.problems().map(({ component, finding }) => (finding ? `${component}/${finding}` : component)),
  }
}

/** An event that is a notice by itself. */
export function drift(at: Date, denyList = 'boundary:arn') {
  return auditEvent('deny.changed', { at, actor: 'stint', data: { denyList, found: 'content' } })
}
