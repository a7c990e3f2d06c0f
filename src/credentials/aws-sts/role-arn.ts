import { parseRoleArn, type RoleArn } from '../../aws/arn.ts'
import { StintError } from '../../core/errors.ts'

/** Parses the ARN of a configured role. @throws {StintError} CONFIG_INVALID */
export function requireRoleArn(text: string): RoleArn {
  const role = parseRoleArn(text)
  if (role) return role
  throw new StintError('CONFIG_INVALID', {
    explanation: 'A role must be an ARN such as arn:aws:iam::123456789012:role/stint/reader.',
    roleArn: text.slice(0, 200),
  })
}
