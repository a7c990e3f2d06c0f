import type { ActionClass, ActionFlag } from '../action-classes.ts'

/** Rules for the actions of a service that hold unless an overlay row says that somebody looked at one and found it harmless. */
export interface ServiceRule {
  readonly services: ReadonlySet<string>
  /**
   * `reads`: what lists or reads, if no overlay row names it. `plain-writes`: writes whose class is still `write`, if no row
   * names it. `writes`: writes of every class, named by a row or not.
   */
  readonly of: 'reads' | 'plain-writes' | 'writes'
  /** The name of the action without the service; every name if left out. */
  readonly names?: RegExp
  /** Raises the class to at least this. */
  readonly class?: ActionClass
  readonly flags?: readonly ActionFlag[]
  readonly reason: string
}

/**
 * Services where a mistake is worst, so that an action which AWS adds tomorrow starts with the stricter class: those that
 * decide who somebody is and what they may do, those that hold keys and secrets, those that would notice an attack, and those
 * that keep a network shut.
 */
export const SERVICE_RULES: readonly ServiceRule[] = [
  {
    services: list(
      'iam sts organizations sso sso-directory identitystore identity-sync sso-oauth signin account account-access rolesanywhere cognito-identity ram verifiedpermissions eks-auth mpa iq-permission supportauthz',
    ),
    of: 'writes',
    class: 'permissions',
    reason: 'the service decides who somebody is and what they may do; making and deleting both change it',
  },
  {
    services: list('kms secretsmanager acm-pca'),
    of: 'plain-writes',
    class: 'permissions',
    reason: 'the service holds keys or secrets, and nobody has looked at this write yet',
  },
  {
    services: list('sts kms secretsmanager sso-oauth signin eks-auth cognito-identity acm-pca'),
    of: 'reads',
    flags: ['secret'],
    reason: 'the service hands out keys, secrets or tokens, and nobody has looked at this read yet',
  },
  {
    services: list('cloudtrail config guardduty securityhub inspector2 macie2 detective access-analyzer'),
    of: 'writes',
    names: /^(Batch)?(Update|Put|Apply|Archive)|Disassociation$/,
    class: 'destructive',
    flags: ['audit'],
    reason: 'the service notices attacks, and a change can make it look away',
  },
  {
    services: list('cloudtrail config guardduty securityhub inspector2 macie2 detective access-analyzer'),
    of: 'writes',
    names: /^(Batch)?(Delete|Disable|Disassociate|Stop|Deregister)/,
    flags: ['audit'],
    reason: 'the service notices attacks, and this takes a part of it away',
  },
  {
    services: list('waf waf-regional wafv2 network-firewall'),
    of: 'writes',
    names: /^(Update|Put|Associate|Attach|Import)/,
    class: 'permissions',
    flags: ['audit'],
    reason: 'a firewall opens by a change of its rules, or of the sets and groups that they refer to',
  },
  {
    services: list('route53resolver route53globalresolver'),
    of: 'writes',
    names: /^(Batch)?(Update|Import|Associate)\w*(Firewall|DNSView)/,
    class: 'permissions',
    flags: ['audit'],
    reason: 'a DNS firewall opens by a change of its rules, or of the lists that they refer to',
  },
]

function list(text: string): ReadonlySet<string> {
  return new Set(text.split(' '))
}
