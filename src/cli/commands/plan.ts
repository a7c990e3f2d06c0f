import { type BrokerFlags, withBroker, withClient } from '../broker-options.ts'
import { type CommandIo, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { approverCount, decisionFacts, planFacts } from '../grant-output.ts'
import { type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'
import { runWithTask, type TaskFlags, withTask } from '../task-input.ts'

type Flags = BrokerFlags & TaskFlags & { output: OutputFormat }

/** `stint plan`: what a task comes to and what policy would say; exit code 3 if it would be denied. */
export function plan(io: CommandIo): Promise<number> {
  return runParser('plan', io, (parser, done) => {
    withOutput(withBroker(withTask(parser)))
      .description("Show a task's plan and the policy decision, without requesting a grant.")
      .action(async (flags: Flags) => {
        const answer = await runWithTask(flags, (task) => withClient(flags, io, (client) => client.planTask(task)))
        if (flags.output === 'table')
          printFacts(io, [
            ['Agent', answer.plan.subject],
            ...planFacts(answer.plan),
            ...decisionFacts(answer.decision, answer.plan),
            ['Could approve', approverCount(answer.couldApprove)],
          ])
        else printValue(io, flags.output, answer)
        if (answer.decision?.outcome === 'deny') done(EXIT.denied)
      })
  })
}
