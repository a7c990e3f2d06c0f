import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { asStintError } from '../../src/core/errors.ts'
import { StintClient } from '../../src/sdk/client.ts'
import { endBrokers } from '../support/broker-process.ts'
import { eventually } from '../support/eventually.ts'
import { CrashStage } from './crash-stage.ts'

afterAll(endBrokers)

/** Folders that the stage itself fills with keys, which the broker has to read. */
const KEY_FOLDERS = ['keys', 'svids', 'tokens']

/** Every file under the folder, but for those that hold keys by purpose. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !KEY_FOLDERS.some((name) => file.startsWith(join(folder, name))))
}

/** Pieces of a secret, so that one that was cut, split over lines or joined to other text is found too. */
function piecesOf(secret: string): string[] {
  const size = 24
  const pieces: string[] = []
  for (let from = 0; from < secret.length; from += size) pieces.push(secret.slice(from, from + size))
  return pieces.filter((piece) => piece.length >= 16)
}

test('P8: no secret of a lease and no bearer token is in the ledger, its journal, a log at its loudest, or an error', {
  timeout: 240_000,
}, async () => {
  const stage = await CrashStage.open({}, { log: { level: 'trace' } })
  try {
    const { cloud, trustDomain, brokerId, rootsFile } = stage.stage
    const broker = await stage.start()
    const granted = await stage.request('key-00000001', 'write')
    const grantId = granted?.grant.id ?? ''
    await stage.renew('key-00000001', grantId)
    await stage.request('key-00000001', 'write')

    const tokens = await Promise.all(
      [brokerId, 'spiffe://practice.example/other'].map((audience) =>
        trustDomain.issueJwtSvid({ path: '/agents/invoice-bot', audience }),
      ),
    )
    const svid = await stage.stage.issueSvid('/agents/invoice-bot')
    const { agents } = await broker.ready()
    for (const token of [...tokens, `${tokens[0]?.slice(0, -4)}AAAA`]) {
      const client = new StintClient({
        address: agents,
        serverId: brokerId,
        svid: { certificateFile: svid.certificateFile, privateKeyFile: svid.privateKeyFile, bundleFile: rootsFile },
        token: async () => token,
        defaultDeadlineMs: 2_000,
      })
      for (let times = 0; times < 2; times += 1)
        await client.renewLease(grantId).then(
          (answer) => stage.answers.push({ key: 'key-00000001', answer }),
          (error) => stage.errors.push(asStintError(error)),
        )
      client.close()
    }
    // Failures on every path that has touched a secret: after the mint, on the wire, in a refusal, in a replay.
    for (const kind of ['reset_after_effect', 'error500', 'throttle'] as const) {
      const takeBack = cloud.setFault({ service: 'sts', kind })
      await stage.request(`key-${kind}`, 'read', 700)
      takeBack()
    }
    await stage.revoke(grantId)
    await eventually('the end', async () => (await stage.stateOf(grantId)) === 'ended')

    const secrets = [
      ...stage.answers.flatMap(({ answer }) =>
        answer.lease ? [answer.lease.secretAccessKey.reveal(), answer.lease.sessionToken.reveal()] : [],
      ),
      ...tokens.map((token) => token.split('.').at(2) ?? ''),
      ...['broker', 'revoker'].map((name) => readFileSync(join(stage.stage.folder, 'keys', `${name}.secret`), 'utf8')),
      ...Object.values(stage.stage.tokenFiles).map((file) => readFileSync(file, 'utf8')),
    ]
    expect(stage.answers.length, 'answers with credentials').toBeGreaterThanOrEqual(4)
    expect(stage.errors.length, 'errors').toBeGreaterThanOrEqual(5)

    const running = placesOf(stage, broker.output)
    await broker.stop()
    const places = [...running, ...placesOf(stage, broker.output)]
    expect(
      places.some(({ name }) => name.endsWith('-wal')),
      'the journal was looked through',
    ).toBe(true)
    for (const secret of secrets.flatMap(piecesOf)) {
      for (const { name, text } of places) expect(text.includes(secret), `a secret in ${name}`).toBe(false)
    }
  } finally {
    await stage.close()
  }
})

/** Everywhere that a secret could have come to lie: the stage's files, the broker's output, what its clients were told. */
function placesOf(stage: CrashStage, output: string): { name: string; text: string }[] {
  return [
    { name: 'the output of the broker', text: output },
    { name: 'an error', text: stage.errors.map((error) => inspect(error, { depth: 10 })).join('\n') },
    { name: 'an answer that is printed', text: inspect(stage.answers, { depth: 10 }) },
    { name: 'an answer as JSON', text: JSON.stringify(stage.answers) },
    ...filesOf(stage.stage.folder).map((name) => ({ name, text: readFileSync(name, 'latin1') })),
  ]
}
