import { InvalidArgumentError } from 'commander'
import { ACTION_CLASSES, type ActionClass } from '../../aws/action-classes.ts'
import { NO_LABELS } from '../../plan/labels.ts'
import { loadLabels } from '../../plan/load-labels.ts'
import type { RoleSettings } from '../../plan/planner.ts'
import { checkPolicies, formatPolicyCheck } from '../../policy/check-policies.ts'
import { DEFAULT_APPROVALS_REQUIRED_FOR } from '../../policy/decide.ts'
import { createPolicyTestPlanner } from '../../policy/testing/policy-test-planner.ts'
import { formatPolicyTests, runPolicyTests } from '../../policy/testing/policy-tests.ts'
import { type CommandIo, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { type OutputFormat, printValue, withOutput } from '../output.ts'
import { visibleLines } from '../visible.ts'

type TestFlags = { output: OutputFormat; labels?: string; approvalsFor: readonly ActionClass[] }

/** `stint policy check|test DIR`; exit code 1 if the set would be refused, or a case fails. */
export function policy(io: CommandIo): Promise<number> {
  return runParser('policy', io, (parser, done) => {
    parser.description('Check and test a policy directory before it is used.')
    withOutput(
      parser.command('check <directory>').description('parse, validate, and find rules that a request can evade'),
    )
      .option('--strict', 'treat warnings as errors')
      .action(async (directory: string, { output, strict }: { output: OutputFormat; strict?: boolean }) => {
        const found = await checkPolicies(directory)
        if (output === 'table') io.stdout.write(visibleLines(formatPolicyCheck(found)))
        else printValue(io, output, found)
        done(found.ok && !(strict && found.warnings.length > 0) ? EXIT.ok : EXIT.error)
      })
    withOutput(parser.command('test <directory>').description('run the *.test.yaml cases beside the policies'))
      .option('--labels <file>', 'labels file for cases that have no labels of their own')
      .option(
        '--approvals-for <classes>',
        'action classes that always require approval',
        classesFlag,
        DEFAULT_APPROVALS_REQUIRED_FOR,
      )
      .action(async (directory: string, flags: TestFlags) => done(await runTests(directory, flags, io)))
  })
}

async function runTests(
  directory: string,
  { output, labels, approvalsFor }: TestFlags,
  io: CommandIo,
): Promise<number> {
  const plan = createPolicyTestPlanner({
    labels: labels === undefined ? NO_LABELS : await loadLabels(labels),
    roles: EVERY_ROLE,
    limits: { minTtlSeconds: 1, maxTtlSeconds: 43_200 },
  })
  const found = await runPolicyTests({ directory, plan, approvalsRequiredFor: approvalsFor })
  if (output === 'table') io.stdout.write(visibleLines(formatPolicyTests(found)))
  else printValue(io, output, found)
  return found.ok ? EXIT.ok : EXIT.error
}

/** Whether a role is served is the configuration's matter; a case is about policy, so here every role is. */
const EVERY_ROLE = { get: (): RoleSettings => ({}) }

function classesFlag(text: string): ActionClass[] {
  return text.split(',').map((name) => {
    const known = ACTION_CLASSES.find((each) => each === name)
    if (!known) throw new InvalidArgumentError(`The classes must be among ${ACTION_CLASSES.join(', ')}.`)
    return known
  })
}
