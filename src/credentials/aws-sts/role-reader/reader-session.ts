import { parseRoleArn } from '../../../aws/arn.ts'

/** The name of the sessions in the account's log. */
export const READER_SESSION_NAME = 'stint-reader'

/** Read of a role: the actions that take the role as their resource. */
const ROLE_ACTIONS = [
  'iam:GetRole',
  'iam:GetRolePolicy',
  'iam:ListAttachedRolePolicies',
  'iam:ListRolePolicies',
] as const
/** Read of a managed policy. */
const POLICY_ACTIONS = ['iam:GetPolicy', 'iam:GetPolicyVersion'] as const

/** Below the 2,048 characters of STS, since a packed session policy has a limit of its own that is not published. */
const MAX_POLICY_CHARACTERS = 1_600

/**
 * The session policy that allows to read these roles of one account, and managed policies. Which policies the roles have is known
 * only once the roles were read.
 */
export function readerPolicy(roleArns: readonly string[]): string {
  const { partition = 'aws', accountId = '' } = parseRoleArn(roleArns[0] ?? '') ?? {}
  const policies = [`arn:${partition}:iam::${accountId}:policy/*`, `arn:${partition}:iam::aws:policy/*`]
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: ROLE_ACTIONS, Resource: roleArns },
      { Effect: 'Allow', Action: POLICY_ACTIONS, Resource: policies },
    ],
  })
}

/** Splits the roles of an account into as few sessions as their session policies allow, in order. */
export function splitIntoSessions(roleArns: readonly string[]): string[][] {
  const sessions: string[][] = []
  for (const roleArn of roleArns) {
    const last = sessions.at(-1)
    if (last && readerPolicy([...last, roleArn]).length <= MAX_POLICY_CHARACTERS) last.push(roleArn)
    else sessions.push([roleArn])
  }
  return sessions
}
