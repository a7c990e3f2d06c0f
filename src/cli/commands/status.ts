import type { AdminSchema } from '../../admin-client/admin-calls.ts'
import { AdminClient, type AdminFlags, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { linesIfAny, type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'

type Flags = AdminFlags & { output: OutputFormat }
type Status = AdminSchema<'Status'>

/** `stint status`: whether the broker can issue credentials, and its problems. */
export function status(io: CommandIo): Promise<number> {
  return runParser('status', io, (parser, done) => {
    withOutput(withAdmin(parser))
      .description('Show whether the broker can issue credentials, and its problems. Exits with 1 if it cannot.')
      .action(async (flags: Flags) => {
        const answer = await (await AdminClient.from(flags, io)).get('/v1/status')
        if (flags.output === 'table') printFacts(io, statusFacts(answer))
        else printValue(io, flags.output, answer)
        done(answer.ready ? EXIT.ok : EXIT.error)
      })
  })
}

function statusFacts(answer: Status): (readonly [string, unknown])[] {
  const { ready, notReady, problems, identity, grants, replicas, version } = answer
  const { spiffeId, notAfter, bundles } = identity
  return [
    // A broker of the version before gives no reasons.
    ['Ready', ready ? 'yes' : (linesIfAny(notReady?.map(reasonLine) ?? []) ?? 'no')],
    ['Problems', linesIfAny(problems.map(problemLine))],
    ['Broker', spiffeId],
    ['SVID until', notAfter],
    ['Trusted', linesIfAny(bundles.map(bundleLine))],
    ['Grants', grantCounts(grants)],
    ['Replicas', linesIfAny(replicas?.map(replicaLine) ?? [])],
    ['Version', version],
  ]
}

function reasonLine({ part, code, explanation, since }: Status['notReady'][number]): string {
  return `no: ${part} ${code} since ${since}: ${inOneLine(explanation)}`
}

function problemLine({ component, finding, code, explanation, since }: Status['problems'][number]): string {
  const part = finding === undefined ? component : `${component} (${finding})`
  return `${part} ${code} since ${since}: ${inOneLine(explanation)}`
}

/** The problems of a configuration come a line each. */
function inOneLine(explanation: string): string {
  return explanation.replaceAll('\n', '; ')
}

function bundleLine({
  trustDomain,
  source,
  x509Authorities,
  jwtAuthorities,
}: Status['identity']['bundles'][number]): string {
  return `${trustDomain} (${source}): ${x509Authorities} X.509 and ${jwtAuthorities} JWT authorities`
}

function replicaLine({
  id,
  self,
  since,
  seenAt,
  version,
  clockOffsetMs,
}: NonNullable<Status['replicas']>[number]): string {
  const clock = clockOffsetMs === undefined ? '' : `, clock ${clockOffsetMs} ms from the database's`
  return `${id}${self ? ' (this one)' : ''}: since ${since}, seen ${seenAt}, ${version ?? 'unknown version'}${clock}`
}

function grantCounts(grants: Status['grants']): string {
  const some = Object.entries(grants).filter(([, count]) => count > 0)
  return some.map(([state, count]) => `${state} ${count}`).join(', ')
}
