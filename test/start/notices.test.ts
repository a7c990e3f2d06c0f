import { writeFileSync } from 'node:fs'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SECRETS, secretFile, startReceiver } from '../notice/notice-stage.ts'
import { stint } from '../support/cli.ts'
import { eventually } from '../support/eventually.ts'
import { ReloadRig } from './reload/reload-rig.ts'

let rig: ReloadRig
let receiver: Awaited<ReturnType<typeof startReceiver>>
let file: string
beforeEach(async () => {
  receiver = await startReceiver()
  file = secretFile(SECRETS[0])
  rig = await ReloadRig.open({ notices: { httpOnLoopback: true } })
})
afterEach(async () => {
  await rig.close()
  await receiver.close()
})

const add = (more: object = {}) =>
  rig.change((settings) => {
    settings.notices.webhooks = [{ name: 'ops', url: receiver.url, secretFile: file, ...more }]
  })
const types = () => receiver.received.map(({ event }) => event.type)
const cli = (...argv: string[]) =>
  stint([
    'webhooks',
    ...argv,
    '--admin-url',
    rig.broker.addresses.admin,
    '--admin-token-file',
    rig.stage.tokenFiles.oscar,
  ])
/** The receiver hears of what happens once the broker has looked at its endpoint. */
const begun = () =>
  eventually('the endpoint', async () => JSON.parse((await cli('list', '-o', 'json')).stdout)[0]?.failures === 0)

test('a running broker tells a receiver that was added what an agent does', async () => {
  await add()
  await begun()
  const agent = await rig.agent()
  const grant = await agent.requestGrant(rig.task(), 'notice-key-1')
  await agent.completeGrant(grant.grant.id)
  await eventually('the notices', () => types().includes('stint.grant.issued'))
  const issued = receiver.received.find(({ event }) => event.type === 'stint.grant.issued')
  expect(() => new Webhook(SECRETS[0]).verify(issued?.body ?? '', issued?.headers as never)).not.toThrow()
  expect(issued?.event).toMatchObject({
    subject: grant.grant.id,
    data: {
      grant: { id: grant.grant.id, account: expect.stringMatching(/^\d{12}$/) },
      agentSays: { purpose: 'to tidy the archive' },
    },
  })
})

test('what cannot be delivered shows on the status, until it can', async () => {
  await add()
  await begun()
  receiver.answer(500)
  await (await rig.agent('/agents/nobody')).requestGrant(rig.task(), 'notice-key-1').catch(() => {})
  await eventually('the problem', async () => (await rig.problems('notices:ops')).length > 0)
  expect(await rig.problems('notices:ops')).toMatchObject([
    { code: 'NOTICE_UNDELIVERED', explanation: expect.stringContaining('answered 500') },
  ])
  expect((await rig.status()).ready).toBe(true)
  receiver.answer(200)
  await eventually('the delivery', async () => (await rig.problems('notices:ops')).length === 0)
  expect(types().at(-1)).toBe('stint.agent.unregistered')
})

test('stint webhooks shows and tests receivers', async () => {
  await add()
  await begun()
  expect((await cli('list')).stdout).toContain('ops\t127.0.0.1:')
  const tested = await cli('test', 'ops')
  expect([tested.exitCode, tested.stdout]).toEqual([0, expect.stringContaining('yes')])
  expect(types()).toEqual(['stint.test'])
  receiver.answer(404)
  const failed = await cli('test', 'ops')
  expect([failed.exitCode, failed.stdout]).toEqual([1, expect.stringContaining('The receiver answered 404.')])
  expect(await cli('test', 'nobody')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('it has: ops') })
  expect(JSON.parse((await cli('dead', '-o', 'json')).stdout)).toEqual([])
  expect((await cli('resend', 'ops')).stdout).toContain('0')
  expect((await rig.events('endpoint.tested')).map(({ data }) => data.delivered)).toEqual([true, false])
})

for (const { name, settings, problem } of [
  {
    name: 'a URL of the metadata service',
    settings: { url: 'https://169.254.169.254/' },
    problem: 'private, link-local',
  },
  { name: 'a URL with a password', settings: { url: 'https://a:b@example.org/' }, problem: 'without user, password' },
  { name: 'a type that is none', settings: { events: ['grant.lost'] }, problem: 'is not a type of notice' },
  { name: 'a name with blanks', settings: { name: 'on call' }, problem: 'lower-case letters' },
  { name: 'a secret file that is not there', settings: { secretFile: '/nowhere' }, problem: 'cannot be read' },
])
  test(`a changed configuration with ${name} is not taken`, async () => {
    await add()
    await begun()
    await add(settings)
    expect(await rig.problems('config')).toMatchObject([
      { code: 'CONFIG_INVALID', explanation: expect.stringContaining(problem) },
    ])
    expect((await cli('test', 'ops')).exitCode).toBe(0)
  })

test('a secret that is none is refused without being shown', async () => {
  writeFileSync(file, 'whsec_c2hvcnQ=\n')
  await add()
  const [problem] = await rig.problems('config')
  expect(problem?.explanation).toContain('base64 of 24 to 64 bytes in line 1')
  expect(problem?.explanation).not.toContain('c2hvcnQ')
})
