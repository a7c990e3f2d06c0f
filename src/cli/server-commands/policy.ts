import { InvalidArgumentError, type Command as Parser } from 'commander'
import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import { ACTION_CLASSES, type ActionClass } from '../../aws/action-classes.ts'
import { loadConfig } from '../../config/load.ts'
import { systemClock } from '../../core/clock.ts'
import { NO_LABELS } from '../../plan/labels/labels.ts'
import type { RoleSettings } from '../../plan/role-settings.ts'
import { checkPolicies, formatPolicyCheck } from '../../policy/check-policies.ts'
import { DEFAULT_APPROVALS_REQUIRED_FOR } from '../../policy/decide.ts'
import { POLICY_SUFFIX } from '../../policy/policy-directory.ts'
import { readPolicyFiles } from '../../policy/policy-files.ts'
import { createPolicyTestPlanner } from '../../policy/testing/policy-test-planner.ts'
import { formatPolicyTests, runPolicyTests } from '../../policy/testing/policy-tests.ts'
import { loadRegistry } from '../../registry/registry-file.ts'
import { toApprovalRules } from '../../start/rules/approval-rules.ts'
import { loadActionOverrides } from '../../start/rules/load-action-overrides.ts'
import { loadLabels } from '../../start/rules/load-labels.ts'
import { plannerSettings } from '../../start/rules/planner.ts'
import { loadPolicySurroundings } from '../../start/rules/policy-surroundings.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { linesIfAny, type OutputFormat, printSections, printValue, withOutput } from '../output.ts'
import { visibleLines } from '../visible.ts'
import { configFile } from './serve.ts'

interface FileFlags {
  readonly config?: string
  readonly labels?: string
  readonly registry?: string
  readonly output: OutputFormat
}
type CheckFlags = FileFlags & { readonly strict?: boolean }
type TestFlags = FileFlags & { readonly approvalsFor?: readonly ActionClass[]; readonly allowWaivers?: boolean }

/** `stint policy check|test|impact [DIR]`; exit code 1 if the set is wrong, or a case fails. */
export function policy(io: CommandIo): Promise<number> {
  return runParser('policy', io, (parser, done) => {
    parser.description('Check, test and assess a policy directory before it is used.')
    withFiles(
      parser
        .command('check [directory]')
        .description('parse, validate, find rules that a request can evade, and names that exist nowhere'),
    )
      .option('--strict', 'treat warnings as errors')
      .action(async (directory: string | undefined, flags: CheckFlags) => done(await check(directory, flags, io)))
    withOutput(withAdmin(parser.command('impact <directory>')))
      .description('say which open grants would end if these policies came into force now; changes nothing')
      .action(async (directory: string, flags: AdminFlags & { output: OutputFormat }) =>
        done(await impact(directory, flags, io)),
      )
    withFiles(parser.command('test [directory]').description('run the *.test.yaml cases beside the policies'))
      .option('--approvals-for <classes>', 'action classes that always require approval', classesFlag)
      .option('--allow-waivers', 'let @approval("none") waive approvals, as policy.allowWaivers does')
      .action(async (directory: string | undefined, flags: TestFlags) => done(await runTests(directory, flags, io)))
  })
}

function withFiles(parser: Parser): Parser {
  return withOutput(parser)
    .option(
      '--config <file>',
      'configuration: its policies unless a directory is named, labels, agents, roles, operators',
    )
    .option('--labels <file>', "labels, in place of the configuration's")
    .option('--registry <file>', "registrations, in place of the configuration's")
}

/** A named directory is checked with the files of the flags alone, since STINT_CONFIG may belong to another broker. */
function readFiles(directory: string | undefined, flags: FileFlags, io: CommandIo) {
  const file = directory === undefined ? configFile(flags, io) : flags.config
  const config = file === undefined ? undefined : loadConfig({ file, env: io.env })
  const { labels: labelsFile, registry: registryFile } = flags
  return {
    config,
    directory: directory ?? config?.policy.directory ?? '.',
    names: {
      ...(config && { config }),
      ...(labelsFile !== undefined && { labelsFile }),
      ...(registryFile !== undefined && { registryFile }),
    },
  }
}

async function check(given: string | undefined, flags: CheckFlags, io: CommandIo): Promise<number> {
  const { directory, names } = readFiles(given, flags, io)
  const found = await checkPolicies(directory, await loadPolicySurroundings(names, systemClock.now()))
  if (flags.output === 'table') io.stdout.write(visibleLines(formatPolicyCheck(found)))
  else printValue(io, flags.output, found)
  return found.ok && !(flags.strict && found.warnings.length > 0) ? EXIT.ok : EXIT.error
}

/** Exit code 1 if a grant would end, so that a pipeline stops. */
async function impact(directory: string, flags: AdminFlags & { output: OutputFormat }, io: CommandIo): Promise<number> {
  const files = await readPolicyFiles(directory, POLICY_SUFFIX)
  const body = { files: files.map(({ name, text }) => ({ name, text })) }
  const found = await (await AdminClient.from(flags, io)).post('/v1/policies/impact', { body })
  if (flags.output === 'table') printSections(io, impactSections(found))
  else printValue(io, flags.output, found)
  return found.first.length === 0 ? EXIT.ok : EXIT.error
}

function impactSections(found: AdminSchema<'PolicyImpact'>): readonly (readonly (readonly [string, unknown])[])[] {
  const { active, waiting, first } = found
  const groups = (list: readonly { readonly name: string; readonly count: number }[]) =>
    linesIfAny(list.map(({ name, count }) => `${count} ${name}`))
  return [
    [
      ['Policy set', found.policySetHash],
      [
        'Active grants',
        `${active.judged}, of which ${active.ending} would end and ${active.needingApproval} would end for want of an approval`,
      ],
      ['Waiting grants', `${waiting.judged}, of which ${waiting.refused} would be closed as void`],
      ['Not judged', found.undecided === 0 ? undefined : `${found.undecided}: these go on`],
      ['By agent', groups(found.byAgent)],
      ['By team', groups(found.byTeam)],
      ['By policy', groups(found.byPolicy)],
      ['First', linesIfAny(first.map(affectedLine))],
    ],
  ]
}

function affectedLine(one: AdminSchema<'PolicyImpact'>['first'][number]): string {
  const pair = one.action === undefined ? '' : `: ${one.action} on ${one.resource}`
  const by = one.policies.length === 0 ? '' : ` (${one.policies.join(', ')})`
  return `${one.grantId} of ${one.subject}, ${one.code}${pair}${by}`
}

async function runTests(given: string | undefined, flags: TestFlags, io: CommandIo): Promise<number> {
  const { config, directory, names } = readFiles(given, flags, io)
  const labelsFile = names.labelsFile ?? config?.labels?.file
  const registryFile = names.registryFile ?? config?.registry.file
  const plan = createPolicyTestPlanner({
    roles: EVERY_ROLE,
    limits: { minTtlSeconds: 1, maxTtlSeconds: 43_200 },
    ...(config && plannerSettings(config)),
    labels: labelsFile === undefined ? NO_LABELS : await loadLabels(labelsFile),
    ...(config?.actions && { overrides: await loadActionOverrides(config.actions.overridesFile) }),
  })
  const found = await runPolicyTests({
    directory,
    plan,
    approvals: {
      approvalsRequiredFor: DEFAULT_APPROVALS_REQUIRED_FOR,
      ...(config && toApprovalRules(config)),
      ...(flags.approvalsFor && { approvalsRequiredFor: flags.approvalsFor }),
      ...(flags.allowWaivers !== undefined && { allowWaivers: flags.allowWaivers }),
    },
    ...(registryFile !== undefined && { registry: await loadRegistry(registryFile) }),
  })
  if (flags.output === 'table') io.stdout.write(visibleLines(formatPolicyTests(found)))
  else printValue(io, flags.output, found)
  if (!config && flags.output === 'table')
    io.stderr.write('stint: roles were not checked; with --config FILE, a case fails if its role is not served\n')
  return found.ok ? EXIT.ok : EXIT.error
}

/** Without a configuration every role is served. */
const EVERY_ROLE = { get: (): RoleSettings => ({}) }

function classesFlag(text: string): ActionClass[] {
  return text.split(',').map((name) => {
    const known = ACTION_CLASSES.find((each) => each === name)
    if (!known) throw new InvalidArgumentError(`The classes must be among ${ACTION_CLASSES.join(', ')}.`)
    return known
  })
}
