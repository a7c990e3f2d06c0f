import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { STAGE_ROLE } from '../../src/practice/stage/stage-rules.ts'
import { BrokerProcess, endBrokers } from '../support/broker-process.ts'
import { agentEnvironment, ExecProcess, endExecs } from './exec-process.ts'
import { describeWithService } from './service.ts'

/** The AWS CLI as child of `stint exec`, on the practice cloud with the boundary and the strict reading of answers. */
describeWithService(
  'stint exec with the AWS CLI',
  ['STINT_PYTHON_ENV'],
  'test/third-party/python-env.sh',
  (settings) => {
    let stage: Stage
    let env: Record<string, string>

    beforeAll(async () => {
      stage = await setStage({ folder: mkdtempSync(join(tmpdir(), 'stint-test-')) })
      const { agents } = await new BrokerProcess({ configFile: stage.configFile }).ready()
      env = await agentEnvironment(stage, { address: agents, awsEndpoint: stage.cloud.endpoint })
    })
    afterAll(async () => {
      endExecs()
      await endBrokers()
      await stage?.close()
      if (stage) rmSync(stage.folder, { recursive: true, force: true })
    })

    const aws = (...command: string[]) => {
      const task = [
        ...['--role', `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`, '--ttl', '15m'],
        ...['--purpose', 'to look through the archive', '--region', stage.cloud.region],
        ...['--allow', 's3:GetObject=arn:aws:s3:::invoices-staging/*'],
        ...['--allow', 's3:ListBucket=arn:aws:s3:::invoices-staging'],
      ]
      return new ExecProcess([...task, '--', join(settings.STINT_PYTHON_ENV, 'bin', 'aws'), ...command], env).ended
    }

    test('aws s3 lists and reads what was declared', async () => {
      const listed = await aws('s3', 'ls', 's3://invoices-staging/2026/11/')
      expect(listed).toMatchObject({ code: 0, stderr: '' })
      expect(listed.stdout).toMatch(/one\.json\n.*two\.json/)
      const read = await aws('s3', 'cp', 's3://invoices-staging/2026/11/one.json', '-')
      expect(read).toMatchObject({ code: 0, stdout: '{"invoice":1}\n' })
    })

    // 255: "the command failed", an error of the service. AWS CLI version 1 User Guide, return codes
    test('aws is refused what was not declared, and its exit code is passed on', async () => {
      const put = await aws('s3api', 'put-object', '--bucket', 'invoices-staging', '--key', 'x')
      expect(put).toMatchObject({ code: 255, stderr: expect.stringContaining('AccessDenied') })
      expect(stage.cloud.object('invoices-staging', 'x')).toBeUndefined()
    })
  },
)
