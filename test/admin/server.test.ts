import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as tlsConnect } from 'node:tls'
import { afterEach, describe, test } from 'vitest'
import type { Problem } from '../../src/admin/problem.ts'
import { type AdminServer, type AdminServerSettings, startAdminServer } from '../../src/admin/server.ts'
import type { StintError } from '../../src/core/errors.ts'
import { auditEvent } from '../../src/ledger/events/audit-event.ts'
import { adminRig } from './rig.ts'
import { selfSigned } from './self-signed.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(settings: Partial<AdminServerSettings> = {}, rig = adminRig()) {
  const { clock, deps } = rig
  const input = { host: '127.0.0.1', port: 0, ...settings, admin: rig, clock, logger: deps.logger }
  const server = await startAdminServer(input)
  // The clock of the test stands still, so the grace never ends by itself.
  cleanups.push(async () => {
    const stopped = server.stop()
    await clock.advance(60_000)
    await stopped
  })
  return { ...rig, server }
}

function get(server: AdminServer, path: string, options: { token?: string; method?: string; ca?: string } = {}) {
  const { token, method = 'GET', ca } = options
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const call = { host: '127.0.0.1', port: server.port, path, method, headers, agent: false as const }
  return new Promise<IncomingMessage>((resolve, reject) => {
    const sent =
      ca === undefined ? request(call, resolve) : tlsRequest({ ...call, ca, servername: 'localhost' }, resolve)
    sent.on('error', reject).end()
  })
}

/** Sends bytes as they are and gives all that comes back until the server closes. */
function raw(server: AdminServer, bytes: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  socket.end(bytes)
  return text(socket)
}

describe('over a socket', () => {
  test('a call with a token is answered, one without is a problem', async () => {
    const { server, tokens } = await start()
    assert.equal(server.url, `http://127.0.0.1:${server.port}`)
    const answer = await get(server, '/v1/whoami', { token: tokens.viewer ?? '' })
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(JSON.parse(await text(answer)), { name: 'viewer', role: 'viewer', groups: ['owners'] })
    const refused = await get(server, '/v1/whoami')
    assert.equal(refused.statusCode, 401)
    assert.equal(refused.headers['content-type'], 'application/problem+json')
    assert.equal(refused.headers['set-cookie'], undefined)
  })

  test('the address of a refused caller is on record', async () => {
    const { server, ledger } = await start()
    await text(await get(server, '/v1/whoami'))
    const [event] = ledger.events
    assert.match(JSON.stringify(event?.data), /"remoteAddress":"127\.0\.0\.1"/)
  })

  for (const { name, bytes, status } of [
    { name: 'no HTTP', bytes: 'hello\r\n\r\n', status: 400 },
    { name: 'a bad Host', bytes: 'GET /v1/status HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n', status: 400 },
    { name: 'no Host', bytes: 'GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n', status: 400 },
    {
      name: 'an absolute target',
      bytes: 'GET http://x/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      status: 404,
    },
    {
      name: 'dot segments',
      bytes: 'GET /v1/x/../status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      status: 404,
    },
    { name: 'a backslash', bytes: 'GET /v1\\status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', status: 400 },
    { name: 'two slashes', bytes: 'GET //v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', status: 404 },
    { name: 'TRACE', bytes: 'TRACE /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', status: 405 },
    {
      name: 'an expectation that nobody knows', // RFC 9110, section 10.1.1
      bytes: 'GET /v1/status HTTP/1.1\r\nHost: x\r\nExpect: foo\r\nConnection: close\r\n\r\n',
      status: 400,
    },
    { name: 'CONNECT', bytes: 'CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n', status: 400 },
    {
      name: 'two Hosts', // RFC 9112, section 3.2
      bytes: 'GET /v1/status HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n',
      status: 400,
    },
    {
      name: 'headers over 16 KiB',
      bytes: `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
      status: 400,
    },
    {
      name: 'two lengths for one body', // RFC 9112 6.3: request smuggling
      bytes: 'POST /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      status: 400,
    },
  ]) {
    test(`${name} is a problem, and the server lives on`, async () => {
      const { server, tokens } = await start()
      const answer = await raw(server, bytes)
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
      assert.match(answer, /content-type: application\/problem\+json/i)
      const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Problem
      assert.equal(problem.status, status)
      assert.equal((await get(server, '/v1/status', { token: tokens.viewer ?? '' })).statusCode, 200)
    })
  }

  test('a body far over the limit is refused, with or without a length, and the server lives on', async () => {
    const { server, tokens, grant, calls } = await start()
    const chunk = 'x'.repeat(65_536)
    for (const length of [{ 'content-length': String(4 * chunk.length) }, {}]) {
      const headers = { authorization: `Bearer ${tokens.operator}`, 'content-type': 'application/json', ...length }
      const path = `/v1/grants/${grant.id}/revoke`
      const call = { host: '127.0.0.1', port: server.port, method: 'POST', path, headers, agent: false as const }
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const sent = request(call, (answer) => resolve(answer.resume().statusCode)).on('error', reject)
        for (let n = 0; n < 4; n += 1) sent.write(chunk)
        sent.end()
      })
      assert.equal(status, 413)
    }
    assert.equal(calls.length, 0)
    assert.equal((await get(server, '/v1/status', { token: tokens.viewer ?? '' })).statusCode, 200)
  })

  test('stop waits for a call in hand, and takes no other', async () => {
    const rig = adminRig()
    const hold = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    await rig.ledger.appendEvents([anyEvent(rig)])
    rig.ledger.beforePage = () => {
      reached.resolve()
      return hold.promise
    }
    const { server, tokens } = await start({}, rig)
    const inHand = get(server, '/v1/audit/verify', { token: tokens.viewer ?? '' })
    await reached.promise
    const stopped = server.stop()
    await assert.rejects(get(server, '/v1/status'), { code: 'ECONNREFUSED' })
    hold.resolve()
    assert.equal((await inHand).statusCode, 200)
    await stopped
    assert.equal(await server.stop(), undefined)
  })

  test('stop cuts a call that outlasts the grace', async () => {
    const rig = adminRig()
    const reached = Promise.withResolvers<void>()
    await rig.ledger.appendEvents([anyEvent(rig)])
    rig.ledger.beforePage = () => {
      reached.resolve()
      return new Promise(() => undefined)
    }
    const { server, tokens, clock } = await start({ stopGraceMs: 1_000 }, rig)
    const inHand = get(server, '/v1/audit/verify', { token: tokens.viewer ?? '' })
    const cut = assert.rejects(inHand, { code: 'ECONNRESET' })
    await reached.promise
    const stopped = server.stop()
    await clock.advance(1_000)
    await Promise.all([stopped, cut])
  })
})

describe('where it may listen', () => {
  for (const { name, host } of [
    { name: 'every address', host: '0.0.0.0' },
    { name: 'every IPv6 address', host: '::' },
    { name: 'a private address', host: '10.0.0.1' },
    { name: 'a name', host: 'localhost' },
    { name: 'nothing', host: '' },
    { name: 'something like loopback', host: '127.0.0.1.example.org' },
    { name: 'an address mapped into IPv6', host: '::ffff:10.0.0.1' },
  ]) {
    test(`plain HTTP on ${name} is refused`, async () => {
      await assert.rejects(start({ host }), { code: 'CONFIG_INVALID' })
    })
  }

  test('a port that is taken is CONFIG_INVALID', async () => {
    const { server } = await start()
    await assert.rejects(start({ port: server.port }), { code: 'CONFIG_INVALID' })
  })
})

describe('HTTPS', () => {
  async function folder() {
    const path = await mkdtemp(join(tmpdir(), 'stint-admin-'))
    cleanups.push(() => rm(path, { recursive: true }))
    const tls = { certificateFile: join(path, 'tls.crt'), privateKeyFile: join(path, 'tls.key') }
    const write = async (pair: { cert: string; key: string }) => {
      await writeFile(tls.certificateFile, pair.cert)
      await writeFile(tls.privateKeyFile, pair.key)
    }
    return { tls, write }
  }

  test('serves with the certificate', async () => {
    const { tls, write } = await folder()
    const pair = await selfSigned()
    await write(pair)
    const { server, tokens } = await start({ tls })
    const answer = await get(server, '/v1/whoami', { token: tokens.viewer ?? '', ca: pair.cert })
    assert.equal(answer.statusCode, 200)
  })

  test('takes up a changed pair, and keeps the last one when the new one does not fit', async () => {
    const { tls, write } = await folder()
    const [first, second, third] = [await selfSigned(), await selfSigned(), await selfSigned()]
    await write(first)
    const problems: (StintError | undefined)[] = []
    const onCertificate = (problem: StintError | undefined) => void problems.push(problem)
    const { server, clock, logged } = await start({ tls, tlsReloadMs: 1_000, onCertificate })
    await write({ cert: second.cert, key: third.key })
    await clock.advance(1_000)
    await until(() => problems.length > 0)
    assert.equal(problems[0]?.code, 'CONFIG_INVALID')
    assert.equal((await get(server, '/openapi.json', { ca: first.cert })).statusCode, 200)
    await write(second)
    await clock.advance(1_000)
    await until(() => logged.some(({ message }) => message === 'admin API uses a new certificate'))
    assert.equal((await get(server, '/openapi.json', { ca: second.cert })).statusCode, 200)
    await assert.rejects(get(server, '/openapi.json', { ca: first.cert }))
    assert.equal(problems.at(-1), undefined)
  })

  for (const { name, settings, code } of [
    {
      name: 'limits that Node refuses',
      settings: { limits: { headersTimeoutMs: 2, requestTimeoutMs: 1 } },
      code: 'ERR_OUT_OF_RANGE',
    },
    { name: 'an address that is not ours', settings: { host: '192.0.2.1' }, code: 'CONFIG_INVALID' }, // RFC 5737
  ])
    test(`a start that fails over ${name} no longer follows the certificate`, async () => {
      const { tls, write } = await folder()
      await write(await selfSigned())
      const rig = adminRig()
      const sleeps: (AbortSignal | undefined)[] = []
      const sleep = rig.clock.sleep.bind(rig.clock)
      rig.clock.sleep = (ms, signal) => {
        sleeps.push(signal)
        return sleep(ms, signal)
      }
      await assert.rejects(start({ tls, ...settings }, rig), { code })
      assert.deepEqual(
        sleeps.map((signal) => signal?.aborted),
        [true],
      )
    })

  test('TLS 1.2 is refused', async () => {
    const { tls, write } = await folder()
    const pair = await selfSigned()
    await write(pair)
    const { server } = await start({ tls })
    const socket = tlsConnect({ port: server.port, host: '127.0.0.1', ca: pair.cert, maxVersion: 'TLSv1.2' })
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.on('error', resolve))
    assert.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  })

  for (const { name, pair } of [
    { name: 'that are not there', pair: undefined },
    { name: 'that are no PEM', pair: { cert: 'hello', key: 'world' } },
  ]) {
    test(`files ${name} are CONFIG_INVALID`, async () => {
      const { tls, write } = await folder()
      if (pair) await write(pair)
      await assert.rejects(start({ tls }), { code: 'CONFIG_INVALID' })
    })
  }
})

/** File reads take their own time; looks again after each turn of the event loop. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000; turn += 1) {
    if (isSo()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail('never came to be')
}

function anyEvent({ clock, grant }: ReturnType<typeof adminRig>) {
  return auditEvent('approval.expired', { at: clock.now(), actor: 'stint', grantId: grant.id, data: {} })
}
