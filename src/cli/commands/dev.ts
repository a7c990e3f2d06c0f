import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import { systemClock } from '../../core/clock.ts'
import { createLogger } from '../../core/log.ts'
import { startBroker } from '../../main.ts'
import { setStage } from '../../practice/stage.ts'
import { VERSION } from '../../version.ts'
import { type RunCommand, runParser } from '../command.ts'
import { untilSignalled } from './serve.ts'

/** Runs a broker against the practice cloud, with everything made up, and prints how to talk to it. */
export const devCommand: RunCommand = (io) =>
  runParser('dev', io, (parser) => {
    parser
      .description(
        'Run a broker against a practice cloud: nothing to set up, nothing real. Prints shell variables on stdout.',
      )
      .option('--log <level>', 'log level', 'warn')
      .action(async ({ log }: { log: string }) => {
        const folder = await mkdtemp(join(tmpdir(), 'stint-dev-'))
        try {
          const stage = await setStage({ folder })
          const agent = await stage.issueSvid('/agents/invoice-bot')
          const config = loadConfig({ file: stage.configFile, env: {} })
          const broker = await startBroker(config, {
            clock: systemClock,
            logger: createLogger({ level: log }),
            version: VERSION,
          })
          const variables = {
            STINT_ADDRESS: broker.addresses.agents,
            STINT_SERVER_ID: stage.brokerId,
            STINT_BUNDLE: stage.rootsFile,
            STINT_SVID_CERT: agent.certificateFile,
            STINT_SVID_KEY: agent.privateKeyFile,
            STINT_ADMIN_URL: broker.addresses.admin,
            STINT_ADMIN_TOKEN_FILE: stage.tokenFiles.olga,
            STINT_CONFIG: stage.configFile,
            PRACTICE_ROLE: config.roles[0]?.arn ?? '',
            AWS_ENDPOINT_URL: stage.cloud.endpoint,
            AWS_REGION: stage.cloud.region,
          }
          for (const [name, value] of Object.entries(variables)) io.stdout.write(`export ${name}='${value}'\n`)
          io.stderr.write(
            `practice broker of ${stage.trustDomain.name} is up; put these variables into another shell, ctrl-c ends it\n`,
          )
          await untilSignalled(io, broker)
          await stage.close()
        } finally {
          await rm(folder, { recursive: true, force: true })
        }
      })
  })
