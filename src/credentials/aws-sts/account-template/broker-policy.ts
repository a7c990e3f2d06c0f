import type { Partition } from '../../../aws/partitions.ts'
import { parseRolePattern } from '../../../aws/roles/role-pattern.ts'
import { fillTemplate } from '../../../aws/roles/role-template.ts'
import { MANAGED_POLICY_CHARACTERS, policyCharacters } from '../deny/deny-document.ts'
import { pathAndName, type TemplateRule } from './account-side.ts'
import type { PolicyDocument } from './policies.ts'

/** The policy of the broker's own principal. */
export interface BrokerPolicy {
  readonly document: PolicyDocument
  /** Advice for the person who attaches it, one sentence each. */
  readonly notes: readonly string[]
}

/**
 * All that the broker may do in AWS: start sessions of the roles that a configuration serves, and of its canaries, revokers and
 * readers. The accounts are listed as long as a managed policy has room for them; then `*` stands for them, which a note says.
 *
 * @param readerArn template of the readers of role policies; absent if there are none.
 */
export function brokerPolicy(rules: readonly TemplateRule[], partition: Partition, readerArn?: string): BrokerPolicy {
  const listed = policy(rules, { partition, readerArn, listAccounts: true })
  if (fits(listed)) return { document: listed, notes: [] }
  const open = policy(rules, { partition, readerArn, listAccounts: false })
  const notes = [
    `A managed policy has no room for all accounts, so * stands for them: restrict it, for example with a condition on aws:ResourceOrgID.`,
  ]
  if (fits(open)) return { document: open, notes }
  const tooLong = `The policy has more than the ${MANAGED_POLICY_CHARACTERS} characters that IAM takes: split it, or let a pattern stand for the roles.`
  return { document: open, notes: [...notes, tooLong] }
}

function fits(document: PolicyDocument): boolean {
  return policyCharacters(JSON.stringify(document)) <= MANAGED_POLICY_CHARACTERS
}

interface PolicyChoice {
  readonly partition: Partition
  readonly readerArn: string | undefined
  readonly listAccounts: boolean
}

function policy(rules: readonly TemplateRule[], { partition, readerArn, listAccounts }: PolicyChoice): PolicyDocument {
  const accounts = new Set(rules.flatMap((rule) => findAccounts(rule)))
  // Nothing is gained by `*` where there is one account only.
  const isOpen = !listAccounts && accounts.size > 1
  const arns = (of: (rule: TemplateRule) => string | undefined) => [
    ...new Set(
      rules.flatMap((rule) => {
        const template = of(rule)
        if (template === undefined) return []
        const accountIds = isOpen ? ['*'] : findAccounts(rule)
        return accountIds.map((accountId) => fillTemplate(template, { accountId, partition }))
      }),
    ),
  ]
  const allow = (Sid: string, Action: string | readonly string[], Resource: readonly string[]) =>
    Resource.length === 0 ? [] : [{ Sid, Effect: 'Allow', Action, Resource }]
  const tasks = arns(({ arn }) => `arn:${partition}:iam::{account}:role${pathAndName(arn)}`)
  const canaries = arns(({ revocation: r }) => (r.kind === 'boundary' ? r.canary?.roleArn : undefined))
  const revokers = arns(({ revocation: r }) => (r.kind === 'none' ? undefined : r.revoker?.roleArn))
  // Only roles that a rule spells are read.
  const readers = arns(({ arn, accounts }) => (parseRolePattern(arn, accounts)?.spelled ? readerArn : undefined))
  return {
    Version: '2012-10-17',
    Statement: [
      ...allow(
        'MintLeases',
        ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
        [...new Set([...tasks, ...canaries])],
      ),
      ...allow('AssumeRevokers', 'sts:AssumeRole', revokers),
      ...allow('AssumeReaders', 'sts:AssumeRole', readers),
    ],
  }
}

function findAccounts({ arn, accounts }: TemplateRule): readonly string[] {
  return [...(parseRolePattern(arn, accounts)?.accounts ?? ['*'])]
}
