import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListPolicyVersionsCommand,
} from '@aws-sdk/client-iam'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/core/clock.ts'
import { idBody } from '../../src/core/ids.ts'
import { createLogger } from '../../src/core/log.ts'
import type { AwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import { createProvider } from '../../src/start/provider.ts'
import { mintRequest } from '../credentials/harness.ts'
import { stint } from '../support/cli.ts'
import { deniesSession } from '../support/deny-evaluator.ts'
import { setForeignStage } from './foreign-stage.ts'
import { describeWithService } from './service.ts'

const run = promisify(execFile)
const never = new AbortController().signal
const region = 'eu-west-1'
const BROKER = 'arn:aws:iam::123456789012:role/stint-broker'
/** Deployed to by a StackSet. */
const SET_ACCOUNT = '777788889999'
const CAPABILITIES = ['--capabilities', 'CAPABILITY_NAMED_IAM']
const ACCOUNTS = ['111122223333', '444455556666']

/** A configuration with roles in several accounts by a pattern, and one by its own ARN. */
function writeConfig(folder: string, aws: object): string {
  mkdirSync(join(folder, 'external-ids'), { recursive: true })
  for (const account of ACCOUNTS) writeFileSync(join(folder, 'external-ids', account), `external-id-of-${account}\n`)
  for (const name of ['id', 'secret']) writeFileSync(join(folder, name), 'BROKEREXAMPLE')
  const externalIdFile = join(folder, 'external-ids', '{account}')
  const revoker = { roleArn: 'arn:aws:iam::{account}:role/stint/revoker', externalIdFile }
  const boundary = { kind: 'boundary', policyArn: 'arn:aws:iam::{account}:policy/stint-boundary', revoker }
  const file = join(folder, 'stint.yaml')
  const config = {
    identity: { server: { certificateFile: 'a', privateKeyFile: 'b' }, domains: { 'a.test': { file: 'c' } } },
    registry: { file: 'd' },
    policy: { directory: 'e' },
    ledger: { file: 'f' },
    roles: [
      {
        arn: 'arn:aws:iam::*:role/stint/agent-data',
        accounts: [...ACCOUNTS, SET_ACCOUNT],
        externalIdFile,
        revocation: boundary,
      },
      {
        arn: 'arn:aws:iam::*:role/stint/team/*',
        accounts: [...ACCOUNTS, SET_ACCOUNT],
        externalIdFile,
        revocation: boundary,
      },
      {
        arn: `arn:aws:iam::${ACCOUNTS[0]}:role/stint/agent-web`,
        externalIdFile,
        revocation: { kind: 'inline', revoker },
      },
    ],
    aws: {
      region,
      strictness: 'stand-in',
      credentials: { accessKeyIdFile: 'id', secretAccessKeyFile: 'secret' },
      ...aws,
    },
  }
  writeFileSync(file, JSON.stringify(config))
  return file
}

describeWithService(
  'the template of the account side',
  ['STINT_PYTHON_ENV', 'STINT_MOTO_ENDPOINT'],
  'test/third-party/moto-up.sh',
  ({ STINT_PYTHON_ENV: python, STINT_MOTO_ENDPOINT: endpoint }) => {
    const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
    afterAll(() => rmSync(folder, { recursive: true, force: true }))
    const config = writeConfig(folder, { endpoint })
    const template = async (...flags: string[]) => {
      const { stdout, stderr, exitCode } = await stint(['aws', 'template', '--config', config, ...flags])
      expect(exitCode, stderr).toBe(0)
      return stdout
    }

    // Exit code 0 and no words: no error, warning or information. cfn-lint documentation, "Exit Codes"
    test('has nothing that cfn-lint complains of, printed for several accounts, for one, or as it ships', {
      timeout: 180_000,
    }, async () => {
      const [several, one] = [join(folder, 'several.yaml'), join(folder, 'one.yaml')]
      writeFileSync(several, await template())
      writeFileSync(one, await template('--account', ACCOUNTS[0] ?? '', '--broker', BROKER, '--role', 'stint/team/one'))
      const shipped = new URL('../../aws/task-account.yaml', import.meta.url).pathname
      const lint = run(join(python, 'bin', 'cfn-lint'), ['--include-checks', 'I', '--', several, one, shipped])
      expect(await lint.catch((failed) => failed.stdout)).toMatchObject({ stdout: '' })
    })

    test('is deployed by a StackSet, with parameters of each account', { timeout: 120_000 }, async () => {
      const [body, values] = [join(folder, 'set.yaml'), join(folder, 'set.json')]
      writeFileSync(body, await template('--broker', BROKER, '--role', 'stint/team/by-set'))
      writeFileSync(join(folder, 'external-ids', SET_ACCOUNT), 'external-id-by-set')
      writeFileSync(values, (await stint(['aws', 'parameters', '--config', config, '--account', SET_ACCOUNT])).stdout)
      const keys = { AWS_ACCESS_KEY_ID: 'ADMINEXAMPLE', AWS_SECRET_ACCESS_KEY: 's', PATH: process.env.PATH ?? '' }
      const cloudformation = (...argv: string[]) =>
        run(
          join(python, 'bin', 'aws'),
          ['cloudformation', ...argv, '--stack-set-name', 'stint', '--region', region, '--endpoint-url', endpoint],
          { env: keys },
        )
      const unset = ['--parameters', 'ParameterKey=ExternalId,ParameterValue=unset']
      await cloudformation('create-stack-set', '--template-body', `file://${body}`, ...unset, ...CAPABILITIES)
      const there = ['--accounts', SET_ACCOUNT, '--regions', region]
      await cloudformation('create-stack-instances', ...there, '--parameter-overrides', `file://${values}`)
      const iam = new IAMClient({ endpoint, region, credentials: await adminOf(SET_ACCOUNT) })
      const { Role } = await iam.send(new GetRoleCommand({ RoleName: 'by-set' }))
      iam.destroy()
      expect(Role?.Arn).toBe(`arn:aws:iam::${SET_ACCOUNT}:role/stint/team/by-set`)
      expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')).toContain('external-id-by-set')
    })

    async function adminOf(account: string) {
      const sts = new STSClient({
        endpoint,
        region,
        credentials: { accessKeyId: 'ADMINEXAMPLE', secretAccessKey: 's' },
      })
      const admin = `arn:aws:iam::${account}:role/admin`
      const { Credentials: keys } = await sts.send(
        new AssumeRoleCommand({ RoleArn: admin, RoleSessionName: 'deploys' }),
      )
      sts.destroy()
      return {
        accessKeyId: keys?.AccessKeyId ?? '',
        secretAccessKey: keys?.SecretAccessKey ?? '',
        sessionToken: keys?.SessionToken ?? '',
      }
    }

    for (const account of ACCOUNTS)
      describe(`deployed to account ${account} on moto`, () => {
        let iam: IAMClient
        let provider: AwsStsProvider
        const clock = systemClock

        beforeAll(async () => {
          const credentials = await adminOf(account)
          iam = new IAMClient({ endpoint, region, credentials })
          await deploy(account, credentials)
          const deps = { clock, logger: createLogger({ level: 'silent' }) }
          provider = await createProvider(loadConfig({ file: config, env: {} }), deps)
        }, 120_000)
        afterAll(() => {
          provider?.close()
          iam?.destroy()
        })

        async function deploy(
          id: string,
          keys: { accessKeyId: string; secretAccessKey: string; sessionToken: string },
        ): Promise<void> {
          const [body, values] = [join(folder, `${id}.yaml`), join(folder, `${id}.json`)]
          writeFileSync(body, await template('--account', id, '--role', 'stint/team/one'))
          const flags = ['aws', 'parameters', '--config', config, '--account', id, '--broker', BROKER]
          writeFileSync(values, (await stint(flags)).stdout)
          const stack = ['--template-body', `file://${body}`, '--parameters', `file://${values}`]
          const more = [...CAPABILITIES, '--region', region, '--endpoint-url', endpoint]
          const env = {
            PATH: process.env.PATH ?? '',
            AWS_ACCESS_KEY_ID: keys.accessKeyId,
            AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
            AWS_SESSION_TOKEN: keys.sessionToken,
          }
          await run(
            join(python, 'bin', 'aws'),
            ['cloudformation', 'create-stack', '--stack-name', 'stint', ...stack, ...more],
            { env },
          )
        }

        const PolicyArn = `arn:aws:iam::${account}:policy/stint-boundary`
        const inForce = async () => {
          const { Versions = [] } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }))
          const VersionId = Versions.find((version) => version.IsDefaultVersion)?.VersionId
          const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }))
          return decodeURIComponent(PolicyVersion?.Document ?? '')
        }

        test('has the roles with trust, guard and boundary', async () => {
          for (const RoleName of ['agent-data', 'one']) {
            const { Role } = await iam.send(new GetRoleCommand({ RoleName }))
            expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(PolicyArn)
            const trust = decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')
            expect(trust).toContain(BROKER)
            expect(trust).toContain(`external-id-of-${account}`)
            const { PolicyDocument = '' } = await iam.send(
              new GetRolePolicyCommand({ RoleName, PolicyName: 'StintGuard' }),
            )
            expect(decodeURIComponent(PolicyDocument)).toContain(`arn:aws:iam::${account}:role/stint/team/*`)
          }
        })

        test('mints a lease of a role and denies it in the boundary, as the revoker of the account', async () => {
          const request = mintRequest(clock.now(), { roleArn: `arn:aws:iam::${account}:role/stint/agent-data` })
          const issued = await provider.mint(request, never)
          expect(issued.accessKeyId).not.toBe('')
          const location = provider.findDenyList(request.lease.roleArn)
          expect(location?.key).toBe(`boundary:${PolicyArn}`)
          await provider.writeDenyList(location?.key ?? '', { grants: [request.grant.id] }, never)
          const session = { sourceIdentity: idBody(request.grant.id), userId: 'x:y', issuedAt: new Date() }
          expect(deniesSession(await inForce(), session)).toBe(true)
        })

        test('serves a broker: a grant is given, and revoked as the revoker of the account', async () => {
          const roleArn = `arn:aws:iam::${account}:role/stint/team/one`
          const keys = { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 's' }
          const { roles } = JSON.parse(readFileSync(config, 'utf8')) as { roles: object[] }
          const cloud = {
            endpoint,
            region,
            roleArn,
            revocation: { kind: 'none' },
            roles,
            broker: keys,
            revoker: keys,
          } as const
          const stage = await setForeignStage({ ...cloud, settings: { strictness: 'stand-in' } })
          const broker = await stage.start()
          try {
            const grant = await broker.agent.request({
              purpose: 'to look through the archive',
              roleArn,
              access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices-staging/*'] }],
              ttlSeconds: 900,
            })
            const oscar = await broker.admin('oscar')
            await oscar.post('/v1/grants/{id}/revoke', { path: { id: grant.id }, body: { note: 'stop it' } })
            const session = { sourceIdentity: idBody(grant.id), userId: 'x:y', issuedAt: new Date() }
            await expect.poll(async () => deniesSession(await inForce(), session), { timeout: 30_000 }).toBe(true)
            await grant.close()
          } finally {
            await broker.stop()
            await stage.close()
          }
        })

        if (account === ACCOUNTS[0])
          test('denies a role with an inline list in the role itself', async () => {
            const request = mintRequest(clock.now(), { roleArn: `arn:aws:iam::${account}:role/stint/agent-web` })
            const key = provider.findDenyList(request.lease.roleArn)?.key ?? ''
            await provider.writeDenyList(key, { grants: [request.grant.id] }, never)
            const { PolicyDocument = '' } = await iam.send(
              new GetRolePolicyCommand({ RoleName: 'agent-web', PolicyName: 'StintDeny' }),
            )
            expect(decodeURIComponent(PolicyDocument)).toContain(idBody(request.grant.id))
          })
      })
  },
)
