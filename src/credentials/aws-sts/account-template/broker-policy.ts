import type { Partition } from '../../../aws/partitions.ts'
import { parseRolePattern } from '../../../aws/roles/role-pattern.ts'
import { fillTemplate } from '../../../aws/roles/role-template.ts'
import { MANAGED_POLICY_CHARACTERS, policyCharacters } from '../deny/deny-document.ts'
import { pathAndName, type TemplateRule } from './account-side.ts'
import type { PolicyDocument } from './policies.ts'

/**
 * All that the broker may do in AWS: start sessions of the roles that a configuration serves, and of its canaries and revokers. The accounts
 * are listed as long as a managed policy has room for them; then `*` stands for them.
 */
export function brokerPolicy(rules: readonly TemplateRule[], partition: Partition): PolicyDocument {
  const listed = policy(rules, partition, true)
  const fits = policyCharacters(JSON.stringify(listed)) <= MANAGED_POLICY_CHARACTERS
  return fits ? listed : policy(rules, partition, false)
}

function policy(rules: readonly TemplateRule[], partition: Partition, listAccounts: boolean): PolicyDocument {
  const arns = (of: (rule: TemplateRule) => string | undefined) => [
    ...new Set(
      rules.flatMap((rule) => {
        const template = of(rule)
        if (template === undefined) return []
        return accountsOf(rule, listAccounts).map((accountId) => fillTemplate(template, { accountId, partition }))
      }),
    ),
  ]
  const allow = (Sid: string, Action: string | readonly string[], Resource: readonly string[]) =>
    Resource.length === 0 ? [] : [{ Sid, Effect: 'Allow', Action, Resource }]
  const tasks = arns(({ arn }) => `arn:${partition}:iam::{account}:role${pathAndName(arn)}`)
  const canaries = arns(({ revocation: r }) => (r.kind === 'boundary' ? r.canary?.roleArn : undefined))
  const revokers = arns(({ revocation: r }) => (r.kind === 'none' ? undefined : r.revoker?.roleArn))
  return {
    Version: '2012-10-17',
    Statement: [
      ...allow(
        'MintLeases',
        ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
        [...new Set([...tasks, ...canaries])],
      ),
      ...allow('AssumeRevokers', 'sts:AssumeRole', revokers),
    ],
  }
}

function accountsOf({ arn, accounts }: TemplateRule, listAccounts: boolean): readonly string[] {
  const own = parseRolePattern(arn, accounts)?.accounts
  if (own && (listAccounts || own.size === 1)) return [...own]
  return ['*']
}
