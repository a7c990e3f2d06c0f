import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AdminClient } from '../../src/cli/admin-client.ts'
import { idBody } from '../../src/core/ids.ts'
import { type BrokerAddresses, BrokerProcess, endBrokers } from '../support/broker-process.ts'
import { stint } from '../support/cli.ts'
import { eventually } from '../support/eventually.ts'
import { agentEnvironment, ExecProcess, endExecs } from './exec-process.ts'
import { type ForeignStage, setForeignStage } from './foreign-stage.ts'
import { openRadosgw, RADOSGW_SETTINGS, type RadosgwCloud } from './radosgw-cloud.ts'
import { describeWithService } from './service.ts'

const AGENT = fileURLToPath(new URL('boto3-agent.py', import.meta.url))
const OBJECT = 'invoices-staging 2026/11/one.json'

/** `stint serve` and `stint exec` as processes, boto3 as the child, Ceph radosgw as the cloud: only Stint is ours. */
describeWithService(
  'stint exec with boto3 on Ceph radosgw',
  [...RADOSGW_SETTINGS, 'STINT_PYTHON_ENV'],
  'test/third-party/radosgw-up.sh; test/third-party/python-env.sh',
  (settings) => {
    let cloud: RadosgwCloud
    let stage: ForeignStage
    let addresses: BrokerAddresses
    let env: Record<string, string>
    let vera: AdminClient

    beforeAll(async () => {
      cloud = await openRadosgw(settings, `exec-${Date.now()}`)
      stage = await setForeignStage(cloud)
      addresses = await new BrokerProcess({ configFile: stage.stage.configFile }).ready()
      env = await agentEnvironment(stage.stage, { address: addresses.agents, awsEndpoint: cloud.endpoint })
      vera = await AdminClient.from(
        { adminUrl: addresses.admin, adminTokenFile: stage.stage.tokenFiles.vera },
        { env: {} },
      )
    })
    afterAll(async () => {
      endExecs()
      await endBrokers()
      await stage?.close()
      await cloud?.close()
    })

    const boto3 = () =>
      new ExecProcess(
        [
          ...['--role', cloud.roleArn, '--purpose', 'to tidy the archive of November', '--ttl', '15m'],
          ...['--allow', 's3:GetObject,s3:PutObject=arn:aws:s3:::invoices-staging/2026/11/*'],
          ...['--allow', 's3:ListBucket=arn:aws:s3:::invoices-staging', '--region', cloud.region],
          ...['--', join(settings.STINT_PYTHON_ENV, 'bin', 'python'), AGENT],
        ],
        env,
      )
    const grantOf = async (grantId: unknown) =>
      (await vera.get('/v1/grants/{id}', { path: { id: String(grantId) } })).grant
    const leasesOf = async (grantId: unknown) =>
      (await vera.get('/v1/grants/{id}/leases', { path: { id: String(grantId) } })).items

    test('boto3 does what was declared and is refused the rest, and its exit code and the end of its grant follow', async () => {
      const run = boto3()
      const { ok: grantId } = await run.ask('grant')
      expect(await run.ask('list invoices-staging')).toMatchObject({
        ok: expect.arrayContaining(['2026/11/one.json', '2026/12/one.json']),
      })
      expect(await run.ask(`get ${OBJECT}`)).toMatchObject({ ok: '{"invoice":1}' })
      expect(await run.ask('put invoices-staging 2026/11/boto3.json')).toMatchObject({ ok: true })
      for (const refused of ['get invoices-staging 2026/12/one.json', 'list invoices-prod', 'put invoices-prod x'])
        expect(await run.ask(refused)).toMatchObject({ message: expect.stringContaining('AccessDenied') })
      run.tell('exit 7')
      expect(await run.ended).toMatchObject({ code: 7, stderr: '' })
      await expect
        .poll(() => grantOf(grantId), { timeout: 15_000 })
        .toMatchObject({ state: 'ended', reason: 'completed' })
      expect(await cloud.denyList()).toContain(idBody(String(grantId)))
    })

    // botocore asks again on every call while less than 10 minutes remain: credentials.py, _mandatory_refresh_timeout.
    test('boto3 asks the endpoint for every call, and one lease answers them all', async () => {
      const run = boto3()
      const { ok: grantId } = await run.ask('grant')
      const fetches: unknown[] = []
      for (let call = 0; call < 5; call += 1) {
        const answer = await run.ask(`get ${OBJECT}`)
        expect(answer).toMatchObject({ ok: '{"invoice":1}' })
        fetches.push(answer.fetches)
      }
      expect(new Set(fetches).size).toBe(5)
      expect(await leasesOf(grantId)).toHaveLength(1)
      run.tell('exit 0')
      expect(await run.ended).toMatchObject({ code: 0 })
    })

    test('after `stint grants revoke` the next call of boto3 fails and says that the grant was revoked', async () => {
      const run = boto3()
      const { ok: grantId } = await run.ask('grant')
      expect(await run.ask(`get ${OBJECT}`)).toMatchObject({ ok: '{"invoice":1}' })
      const revoked = await stint(['grants', 'revoke', String(grantId), '--note', 'stop it'], {
        env: { STINT_ADMIN_URL: addresses.admin, STINT_ADMIN_TOKEN_FILE: stage.stage.tokenFiles.oscar },
      })
      expect(revoked).toMatchObject({ exitCode: 0 })
      await eventually('the word of stint exec', () => run.stderr.includes(String(grantId)))
      const answer = await run.ask(`get ${OBJECT}`)
      expect(answer).toMatchObject({
        error: 'CredentialRetrievalError',
        message: expect.stringMatching(/403.*GrantRevoked.*revoked/s),
      })
      run.tell('exit 3')
      expect(await run.ended).toMatchObject({ code: 3 })
      await expect
        .poll(() => grantOf(grantId), { timeout: 15_000 })
        .toMatchObject({ state: 'ended', reason: 'revoked' })
    })
  },
)
