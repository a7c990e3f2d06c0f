import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { S3Client } from '@aws-sdk/client-s3'
import { main } from '../../cli/main.ts'
import { loadConfig } from '../../config/load.ts'
import { createLogger } from '../../core/log.ts'
import { StintClient } from '../../sdk/client.ts'
import type { AwsCredentials, CredentialProvider } from '../../sdk/types.ts'
import { type Broker, startBroker } from '../../start/main.ts'
import { VERSION } from '../../version.ts'
import type { PracticeTrustDomain } from '../stage/pki.ts'
import { type Stage, setStage } from '../stage/stage.ts'
import { openStageFolder } from '../stage/stage-folder.ts'
import { STAGE_POLICIES, STAGE_ROLE } from '../stage/stage-rules.ts'

/** The policies of the stage, but that two of the owners have to let a delete through. */
const TWO_OWNERS = STAGE_POLICIES.replace('@approval("owners:1")', '@approval("owners:2")').replace(
  'needs one of the owners',
  'needs two of the owners',
)

/** The operators of the stage. */
export type DemoOperator = keyof Stage['tokenFiles']

/** A running broker on a stage in a folder of its own, with the ways in that the story's people use. */
export class DemoStage {
  readonly stage: Stage
  readonly broker: Broker
  /** The role that agents act through. */
  readonly roleArn: string
  readonly #stack: AsyncDisposableStack

  private constructor(stage: Stage, broker: Broker, stack: AsyncDisposableStack) {
    this.stage = stage
    this.broker = broker
    this.roleArn = `arn:aws:iam::${stage.cloud.accountId}:role/${STAGE_ROLE}`
    this.#stack = stack
  }

  /** Starts everything; what was started is stopped again if a part cannot start. */
  static async open(): Promise<DemoStage> {
    const stack = new AsyncDisposableStack()
    try {
      const { path: folder, remove } = openStageFolder('stint-demo-')
      stack.defer(remove)
      const stage = await setStage({ folder })
      stack.defer(() => stage.close())
      await writeFile(join(folder, 'policies', 'practice.cedar'), TWO_OWNERS)
      const config = loadConfig({ file: stage.configFile, env: {} })
      const logger = createLogger({ level: 'fatal' })
      const broker = await startBroker(config, { logger, version: VERSION })
      stack.defer(() => broker.stop())
      return new DemoStage(stage, broker, stack)
    } catch (error) {
      await stack.disposeAsync()
      throw error
    }
  }

  /** An agent with an SVID of this trust domain, or of another one; `close` disconnects it. */
  async agent(path: string, from?: PracticeTrustDomain): Promise<{ stint: StintClient; spiffeId: string }> {
    const { certificateFile, privateKeyFile, spiffeId } = await this.stage.issueSvid(path, from)
    const stint = new StintClient({
      address: this.broker.addresses.agents,
      serverId: this.stage.brokerId,
      svid: { certificateFile, privateKeyFile, bundleFile: this.stage.rootsFile },
    })
    this.#stack.defer(() => stint.close())
    return { stint, spiffeId }
  }

  /** The real S3 client of the AWS SDK, pointed at the practice cloud. */
  s3(credentials: AwsCredentials | CredentialProvider): S3Client {
    const { endpoint, region } = this.stage.cloud
    const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials, maxAttempts: 1 })
    this.#stack.defer(() => s3.destroy())
    return s3
  }

  /** Runs `stint …` as an operator would, against the admin API. */
  async stintAs(who: DemoOperator, ...argv: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    const [stdout, stderr] = [new Collector(), new Collector()]
    const env = { STINT_ADMIN_URL: this.broker.addresses.admin, STINT_ADMIN_TOKEN_FILE: this.stage.tokenFiles[who] }
    const exitCode = await main({ argv, stdin: Readable.from([]), stdout, stderr, env })
    return { exitCode, stdout: stdout.text, stderr: stderr.text }
  }

  /** Stops everything in the reverse order and removes the folder. */
  close(): Promise<void> {
    return this.#stack.disposeAsync()
  }
}

class Collector extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk
    done()
  }
}
