import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { AdminClient } from '../../src/cli/admin-client.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/log.ts'
import type { RevocationPlacement } from '../../src/credentials/aws-sts/deny/deny-list-locations.ts'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { StintClient } from '../../src/sdk/index.ts'
import { type Broker, startBroker } from '../../src/start/main.ts'

interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** STS and IAM of somebody else, and the roles there that agents act through. */
export interface ForeignCloud {
  readonly endpoint: string
  readonly region: string
  /** A role's ARN, or a pattern. */
  readonly roleArn: string
  readonly accounts?: readonly string[]
  readonly revocation: RevocationPlacement
  /** All of `roles`, where they have more than that. */
  readonly roles?: readonly object[]
  /** Settings of the section `aws` for this kind of service. */
  readonly settings: { readonly profile: 'ceph' } | { readonly strictness: 'stand-in' }
  /** Mints. */
  readonly broker: Keys
  /** Writes the deny list. */
  readonly revoker: Keys
}

/** The practice stage's identities, rules and operators, around a cloud that is not ours. */
export interface ForeignStage {
  readonly stage: Stage
  /** A broker in this process, by the system's clock unless another is given. */
  start(clock?: Clock): Promise<RunningBroker>
  close(): Promise<void>
}

export interface RunningBroker {
  /** A registered agent of the team `data`, over mTLS with its own SVID. */
  readonly agent: StintClient
  /** `oscar` may revoke, `vera` may look. */
  admin(who: 'oscar' | 'vera'): Promise<AdminClient>
  stop(): Promise<void>
}

/** @param cloud takes the place of the practice cloud, which is not called by anybody then. */
export async function setForeignStage(cloud: ForeignCloud): Promise<ForeignStage> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  const stage = await setStage({ folder })
  await pointElsewhere(stage, cloud)
  const svid = await stage.issueSvid('/agents/invoice-bot')
  return {
    stage,
    start: async (clock = systemClock) => {
      const config = loadConfig({ file: stage.configFile, env: {} })
      const logger = createLogger({ level: 'fatal' })
      return running(stage, svid, await startBroker(config, { clock, logger, version: 'test' }))
    },
    close: async () => {
      await stage.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function pointElsewhere({ configFile, folder }: Stage, cloud: ForeignCloud): Promise<void> {
  const keyFiles = async (name: string, { accessKeyId, secretAccessKey }: Keys) => {
    const files = { accessKeyIdFile: join(folder, `${name}.id`), secretAccessKeyFile: join(folder, `${name}.secret`) }
    await writeFile(files.accessKeyIdFile, accessKeyId, { mode: 0o600 })
    await writeFile(files.secretAccessKeyFile, secretAccessKey, { mode: 0o600 })
    return files
  }
  const config = parse(await readFile(configFile, 'utf8')) as Record<string, unknown>
  const aws = {
    region: cloud.region,
    stsEndpoint: cloud.endpoint,
    iamEndpoint: cloud.endpoint,
    credentials: await keyFiles('minter', cloud.broker),
    revokerCredentials: await keyFiles('denier', cloud.revoker),
    ...cloud.settings,
  }
  await writeFile(
    configFile,
    stringify({
      ...config,
      aws,
      roles: cloud.roles ?? [
        { arn: cloud.roleArn, ...(cloud.accounts && { accounts: cloud.accounts }), revocation: cloud.revocation },
      ],
    }),
  )
}

function running(
  stage: Stage,
  svid: { certificateFile: string; privateKeyFile: string },
  broker: Broker,
): RunningBroker {
  const { certificateFile, privateKeyFile } = svid
  const agent = new StintClient({
    address: broker.addresses.agents,
    serverId: stage.brokerId,
    svid: { certificateFile, privateKeyFile, bundleFile: stage.rootsFile },
  })
  return {
    agent,
    admin: (who) =>
      AdminClient.from({ adminUrl: broker.addresses.admin, adminTokenFile: stage.tokenFiles[who] }, { env: {} }),
    stop: async () => {
      agent.close()
      await broker.stop()
    },
  }
}
