import { AdminClient, type AdminFlags, type AdminObject, withAdmin } from '../admin-client.ts'
import { type CommandIo, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { type OutputFormat, printFacts, printValue, withOutput } from '../output.ts'

type Flags = AdminFlags & { output: OutputFormat }

/** `stint status`: whether the broker gives credentials, and what stands in the way. */
export function status(io: CommandIo): Promise<number> {
  return runParser('status', io, (parser, done) => {
    withOutput(withAdmin(parser))
      .description('Show whether the broker can issue credentials, and its problems. Exits with 1 if it cannot.')
      .action(async (flags: Flags) => {
        const answer = await (await AdminClient.from(flags, io)).get('/v1/status')
        if (flags.output === 'table') printFacts(io, statusFacts(answer))
        else printValue(io, flags.output, answer)
        done(answer.ready === true ? EXIT.ok : EXIT.error)
      })
  })
}

function statusFacts({ ready, problems, identity, grants, version }: AdminObject): [string, unknown][] {
  const { spiffeId, notAfter, bundles } = identity as AdminObject
  return [
    ['Ready', ready === true ? 'yes' : 'no'],
    ['Problems', (problems as AdminObject[]).map(problemLine)],
    ['Broker', spiffeId],
    ['SVID until', notAfter],
    ['Trusted', (bundles as AdminObject[]).map(bundleLine)],
    ['Grants', grantCounts(grants as Readonly<Record<string, number>>)],
    ['Version', version],
  ].filter(([, value]) => !Array.isArray(value) || value.length > 0) as [string, unknown][]
}

function problemLine({ component, finding, code, explanation, since }: AdminObject): string {
  const part = finding === undefined ? component : `${component} (${finding})`
  return `${part} ${code} since ${since}: ${explanation}`
}

function bundleLine({ trustDomain, source, x509Authorities, jwtAuthorities }: AdminObject): string {
  return `${trustDomain} (${source}): ${x509Authorities} X.509 and ${jwtAuthorities} JWT authorities`
}

function grantCounts(grants: Readonly<Record<string, number>>): string {
  const some = Object.entries(grants).filter(([, count]) => count > 0)
  return some.map(([state, count]) => `${state} ${count}`).join(', ')
}
