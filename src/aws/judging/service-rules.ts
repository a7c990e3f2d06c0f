import { splitWords } from '../../core/text/split-words.ts'
import type { ActionClass, ActionFlag } from '../action-classes.ts'

/** A rule for the actions of services. It holds unless a row of the overlay marks an action as reviewed. */
export interface ServiceRule {
  readonly services: ReadonlySet<string>
  /**
   * `reads`: lists and reads that no overlay row names. `plain-writes`: actions of class `write` that no overlay row names.
   * `writes`: writes of every class, named by a row or not.
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
 * Services where a mistake is worst, so that an action that AWS adds later starts with the stricter class: services of identity
 * and permissions, of keys and secrets, of detection, and firewalls.
 */
export const SERVICE_RULES: readonly ServiceRule[] = [
  {
    services: splitWords(
      'iam sts organizations sso sso-directory identitystore identity-sync sso-oauth signin account account-access rolesanywhere cognito-identity ram verifiedpermissions eks-auth mpa iq-permission supportauthz',
    ),
    of: 'writes',
    class: 'permissions',
    reason: 'the service decides who somebody is and what they may do; making and deleting both change it',
  },
  {
    services: splitWords('kms secretsmanager acm-pca'),
    of: 'plain-writes',
    class: 'permissions',
    reason: 'the service holds keys or secrets, and nobody has looked at this write yet',
  },
  {
    services: splitWords('sts kms secretsmanager sso-oauth signin eks-auth cognito-identity acm-pca'),
    of: 'reads',
    flags: ['secret'],
    reason: 'the service hands out keys, secrets or tokens, and nobody has looked at this read yet',
  },
  {
    services: splitWords('cloudtrail config guardduty securityhub inspector2 macie2 detective access-analyzer'),
    of: 'writes',
    names: /^(Batch)?(Update|Put|Apply|Archive)|Disassociation$/,
    class: 'destructive',
    flags: ['audit'],
    reason: 'the service notices attacks, and a change can make it look away',
  },
  {
    services: splitWords('cloudtrail config guardduty securityhub inspector2 macie2 detective access-analyzer'),
    of: 'writes',
    names: /^(Batch)?(Delete|Disable|Disassociate|Stop|Deregister)/,
    flags: ['audit'],
    reason: 'the service notices attacks, and this takes a part of it away',
  },
  {
    services: splitWords('waf waf-regional wafv2 network-firewall'),
    of: 'writes',
    names: /^(Update|Put|Associate|Attach|Import)/,
    class: 'permissions',
    flags: ['audit'],
    reason: 'a firewall opens by a change of its rules, or of the sets and groups that they refer to',
  },
  {
    services: splitWords('route53resolver route53globalresolver'),
    of: 'writes',
    names: /^(Batch)?(Update|Import|Associate)\w*(Firewall|DNSView)/,
    class: 'permissions',
    flags: ['audit'],
    reason: 'a DNS firewall opens by a change of its rules, or of the lists that they refer to',
  },
]
