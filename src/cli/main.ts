#!/usr/bin/env node
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type CommandIo, type RunCommand, report } from './command.ts'
import { EXIT } from './exit-codes.ts'

/** Name, what it is for, and where it is: a command is loaded only when it is run. */
const COMMANDS: readonly (readonly [name: string, summary: string, load: () => Promise<RunCommand>])[] = [
  ['exec', "run a command with one task's credentials", async () => (await import('./commands/exec.ts')).exec],
  ['request', 'request a grant', async () => (await import('./commands/request.ts')).request],
  ['complete', 'complete or withdraw a grant', async () => (await import('./commands/complete.ts')).complete],
  ['watch', 'follow a grant to its end', async () => (await import('./commands/watch.ts')).watch],
  ['plan', "show a task's plan without requesting a grant", async () => (await import('./commands/plan.ts')).plan],
  ['grants', 'list, show, revoke grants', async () => (await import('./commands/grants.ts')).grants],
  ['kill', 'stop a scope at once, and lift it', async () => (await import('./commands/kill.ts')).kill],
  ['approvals', 'list, show, approve, reject', async () => (await import('./commands/approvals.ts')).approvals],
  [
    'agents',
    'list, register, review and suspend agents',
    async () => (await import('./commands/agents/agents.ts')).agents,
  ],
  ['reach', 'show what grants can do, or agents may do', async () => (await import('./commands/reach.ts')).reach],
  ['budgets', 'show how much of budgets is used', async () => (await import('./commands/budgets.ts')).budgets],
  ['actions', 'explain the class of AWS actions', async () => (await import('./server-commands/actions.ts')).actions],
  [
    'policy',
    'check, test and assess a policy directory',
    async () => (await import('./server-commands/policy.ts')).policy,
  ],
  ['audit', 'verify and export the audit log', async () => (await import('./server-commands/audit.ts')).audit],
  [
    'backup',
    'copy the ledger of a running broker',
    async () => (await import('./server-commands/backup.ts')).backupCommand,
  ],
  [
    'migrate',
    'bring the schema of the ledger up to date',
    async () => (await import('./server-commands/migrate.ts')).migrate,
  ],
  [
    'restore',
    'put a backup in the place of the ledger',
    async () => (await import('./server-commands/restore.ts')).restoreCommand,
  ],
  ['deny-lists', 'show the state of the deny lists', async () => (await import('./commands/deny-lists.ts')).denyLists],
  [
    'quarantine',
    'show or open a ledger that was set back',
    async () => (await import('./commands/quarantine.ts')).quarantine,
  ],
  [
    'webhooks',
    'show, test and resend notices to receivers',
    async () => (await import('./commands/webhooks.ts')).webhooks,
  ],
  [
    'status',
    'show whether the broker can issue credentials',
    async () => (await import('./commands/status.ts')).status,
  ],
  [
    'doctor',
    'check everything the broker needs',
    async () => (await import('./server-commands/doctor.ts')).doctorCommand,
  ],
  [
    'config',
    'check and print the configuration',
    async () => (await import('./server-commands/config.ts')).configCommand,
  ],
  [
    'aws',
    'write the CloudFormation template of the AWS accounts',
    async () => (await import('./server-commands/aws.ts')).awsCommand,
  ],
  ['operators', 'make admin tokens', async () => (await import('./server-commands/operators.ts')).operatorsCommand],
  ['serve', 'run the broker', async () => (await import('./server-commands/serve.ts')).serveCommand],
  ['dev', 'run a practice broker', async () => (await import('./server-commands/dev.ts')).devCommand],
  [
    'whoami',
    'show the current operator; judge an agent token',
    async () => (await import('./server-commands/whoami.ts')).whoami,
  ],
]

/** How long what a broker left open, such as a connection that hangs, may keep its process alive once it has stopped. */
const LINGER_MS = 2_000

/** Runs `stint <argv…>`. */
export async function main(io: CommandIo): Promise<number> {
  const [name, ...argv] = io.argv
  if (name === '--version' || name === '-V') return version(io)
  if (name === 'help' && argv[0] !== undefined) return main({ ...io, argv: [...argv, '--help'] })
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const out = name === undefined ? io.stderr : io.stdout
    out.write(help())
    return name === undefined ? EXIT.usage : EXIT.ok
  }
  const command = COMMANDS.find(([known]) => known === name)
  if (!command) {
    const first = name.startsWith('-') ? 'flags come after the command' : `there is no command ${JSON.stringify(name)}`
    io.stderr.write(`stint: ${first}; stint --help lists the commands\n`)
    return EXIT.usage
  }
  try {
    return await (await command[2]())({ ...io, argv })
  } catch (error) {
    return report(error, io)
  }
}

function help(): string {
  const width = Math.max(...COMMANDS.map(([name]) => name.length)) + 2
  const lines = COMMANDS.map(([name, summary]) => `  ${name.padEnd(width)}${summary}`)
  return `Usage: stint <command> [flags]\n\n${lines.join('\n')}\n\nRun stint help <command> for its flags. Exit codes: docs/cli.md.\n`
}

async function version({ stdout }: CommandIo): Promise<number> {
  const { VERSION } = await import('../version.ts')
  stdout.write(`${VERSION}\n`)
  return EXIT.ok
}

function restart(moreFlags: readonly string[]): void {
  const { execPath, execArgv, argv, env } = process
  process.execve?.(execPath, [execPath, ...execArgv, ...moreFlags, ...argv.slice(1)], env)
}

function isEntryPoint(): boolean {
  const [, script] = process.argv
  return script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)
}

if (isEntryPoint()) {
  // A reader that has gone (`stint grants list | head`) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.error),
  )
  const { argv, stdin, stdout, stderr, env } = process
  process.exitCode = await main({
    argv: argv.slice(2),
    stdin,
    stdout,
    stderr,
    env,
    node: { flags: process.execArgv, restart },
    onSignal: (signal, handler) => {
      process.on(signal, handler)
      return () => process.off(signal, handler)
    },
  })
  // With the exit code above. By then what was written is out: Node writes to files, pipes and terminals at once.
  if (argv[2] === 'serve') setTimeout(() => process.exit(), LINGER_MS).unref()
}
