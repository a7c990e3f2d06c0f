import { didYouMean } from '../../core/text/nearest.ts'
import { parseAgentSubject } from '../../identity/agent-subject.ts'
import type { PolicyProblem } from '../policy-set.ts'
import type { KnownNames } from './known-names.ts'

/** Registrations of agents whose trust domain or issuer the configuration does not name: no agent can prove to be one. */
export function findIdleRegistrations({ agent, trustDomain }: KnownNames): PolicyProblem[] {
  if (!agent || !trustDomain) return []
  return agent.names.flatMap((match) => {
    const wanted = parseAgentSubject(match.replace(/[/;][*]$/, '')).trustDomain
    if (trustDomain.names.includes(wanted)) return []
    const near = didYouMean(wanted, trustDomain.names)
    const message = `The registration of ${match} covers nobody: the configuration names no trust domain or issuer ${wanted}${near || '.'}`
    return [
      {
        ...{ severity: 'warning' as const, file: agent.source, line: 1, column: 1, message },
        rule: 'registration-idle' as const,
      },
    ]
  })
}
