import { existsSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Option } from 'commander'
import { loadConfig } from '../../config/load.ts'
import { writeFileWhole } from '../../core/files/write-file-whole.ts'
import { createLogger } from '../../core/log.ts'
import { describeReason } from '../../core/text/describe-reason.ts'
import { didYouMean } from '../../core/text/nearest.ts'
import { readOwnRules } from '../../practice/stage/own-rules.ts'
import { type Stage, setStage } from '../../practice/stage/stage.ts'
import { openStageFolder } from '../../practice/stage/stage-folder.ts'
import { type Broker, startBroker } from '../../start/main.ts'
import { VERSION } from '../../version.ts'
import { type CommandIo, type RunCommand, runParser, UsageError } from '../command.ts'
import { visibleLines } from '../visible.ts'
import { runUntilSignalled } from './serve.ts'

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
const FIRST_LINE = '# Written by stint dev, which deletes it when it ends.'

interface Flags {
  readonly log: (typeof LEVELS)[number]
  readonly writeEnv?: string
  readonly config?: string
  readonly policies?: string
  readonly labels?: string
  readonly registry?: string
  readonly tasks?: readonly string[]
  readonly agent?: string
}

/** Runs a broker against the practice cloud, with everything made up, and says how to talk to it. */
export const devCommand: RunCommand = (io) =>
  runParser('dev', io, (parser) => {
    parser
      .description(
        'Run a practice broker and cloud on this machine; no set-up needed. Prints shell variables on stdout.',
      )
      .option('--write-env <file>', 'write the shell variables to this file instead; it is deleted at the end')
      .option(
        '--config <path>',
        'your config file, or a folder with stint.yaml and tasks/: its rules, roles and limits',
      )
      .option('--policies <directory>', 'your policies')
      .option('--labels <file>', 'your labels')
      .option('--registry <file>', 'your registrations; each gets a practice identity')
      .option('--tasks <path...>', 'your task files, or folders of them; their roles and buckets are made')
      .option('--agent <name>', 'registration that the shell variables are for; the first one unless named')
      .addOption(new Option('--log <level>', 'log level').choices(LEVELS).default('warn'))
      .action((flags: Flags) => dev(flags, io))
  })

async function dev(flags: Flags, io: CommandIo): Promise<void> {
  await using stack = new AsyncDisposableStack()
  await runUntilSignalled(io, async () => {
    const { failed } = await startPracticeBroker(flags, io, stack)
    return { failed, stop: () => stack.disposeAsync() }
  })
}

async function startPracticeBroker(
  { log, writeEnv, agent, ...files }: Flags,
  io: CommandIo,
  stack: AsyncDisposableStack,
): Promise<Broker> {
  const { path: folder, remove } = openStageFolder('stint-dev-')
  stack.defer(remove)
  const own = Object.keys(files).length > 0 ? await readOwnRules(files) : undefined
  if (own) io.stderr.write(visibleLines(`${own.summary.join('\n')}\n`))
  const stage = await setStage({ folder, ...(own && { own }) })
  stack.defer(() => stage.close())
  const config = loadConfig({ file: stage.configFile, env: {} })
  const logger = createLogger({ level: log })
  const broker = await startBroker(config, { logger, version: VERSION })
  stack.defer(() => broker.stop())
  const lines = await buildVariables(stage, broker, agent)
  if (writeEnv === undefined) io.stdout.write(lines)
  else {
    await writeVariables(writeEnv, lines)
    const removeOurs = () => removeVariables(writeEnv, lines)
    process.once('exit', removeOurs)
    stack.defer(() => {
      process.off('exit', removeOurs)
      removeOurs()
    })
  }
  const next =
    writeEnv === undefined ? 'set these variables in another shell' : `in another shell, run: . ${sourced(writeEnv)}`
  io.stderr.write(`practice broker for ${stage.trustDomain.name} is running; ${next}; press Ctrl-C to stop it\n`)
  return broker
}

/** A shell looks up a name without a slash on its PATH. */
function sourced(file: string): string {
  return file.includes('/') ? file : `./${file}`
}

/** Settings for the agent `invoice-bot`, the approver olga and any AWS SDK. */
async function buildVariables(stage: Stage, { addresses }: Broker, name: string | undefined): Promise<string> {
  const { cloud } = stage
  const agent = await chooseAgent(stage, name)
  const variables = {
    STINT_ADDRESS: addresses.agents,
    STINT_SERVER_ID: stage.brokerId,
    STINT_BUNDLE: stage.rootsFile,
    STINT_SVID_CERT: agent.certificateFile,
    STINT_SVID_KEY: agent.privateKeyFile,
    STINT_ADMIN_URL: addresses.admin,
    STINT_ADMIN_TOKEN_FILE: stage.tokenFiles.olga,
    STINT_CONFIG: stage.configFile,
    PRACTICE_FOLDER: stage.folder,
    PRACTICE_ROLE: stage.roleArn,
    PRACTICE_OPERATOR_TOKEN_FILE: stage.tokenFiles.oscar,
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: cloud.region,
    // The name that botocore reads, and so boto3 and the AWS CLI.
    AWS_DEFAULT_REGION: cloud.region,
  }
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('')
}

/** Chooses the agent by name, else the first of your registrations, else the practice agent. @throws {UsageError} */
async function chooseAgent(stage: Stage, name: string | undefined) {
  const { agents } = stage
  const chosen = name === undefined ? agents[0] : agents.find((agent) => agent.name === name)
  if (chosen) return chosen
  if (name === undefined) return stage.issueSvid('/agents/invoice-bot')
  const names = agents.map((agent) => agent.name)
  const known = names.length > 0 ? `They are ${names.join(', ')}` : 'Name their file with --registry or --config'
  throw new UsageError(`--agent must name a registration; got ${name}${didYouMean(name, names)}. ${known}.`)
}

/** A second broker may have written its own variables there since. */
function removeVariables(file: string, lines: string): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === `${FIRST_LINE}\n${lines}`) rmSync(file, { force: true })
}

/** Takes the place of a file that an earlier run has left, of no other. @throws {UsageError} */
async function writeVariables(file: string, lines: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => undefined)
  const isOurs = before?.startsWith(FIRST_LINE) ?? false
  try {
    await writeFileWhole(file, `${FIRST_LINE}\n${lines}`, { mustBeNew: !isOurs })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const why = code === 'EEXIST' ? 'it already exists and stint dev did not write it' : describeReason(error)
    throw new UsageError(`The file ${file} cannot be written (${why}); give --write-env another one.`)
  }
}
