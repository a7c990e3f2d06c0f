import { StintError } from '../../core/errors.ts'

/** The parts of an IAM role's ARN. The account is empty with stand-ins that have none. */
export interface RoleArn {
  readonly partition: string
  readonly account: string
  /** '' or a path that ends with '/', such as `stint/`. */
  readonly path: string
  /** Without its path. */
  readonly name: string
}

const ROLE_ARN = /^arn:(aws[a-z-]{0,20}):iam::(\d{12}|):role\/((?:[!-~]{1,510}\/)?)([\w+=,.@-]{1,64})$/

/**
 * Splits `arn:aws:iam::123456789012:role/stint/reader` and its like.
 *
 * @throws {StintError} CONFIG_INVALID
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
 */
export function parseRoleArn(text: string): RoleArn {
  const [, partition, account, path = '', name] = ROLE_ARN.exec(text) ?? []
  if (partition === undefined || account === undefined || name === undefined)
    throw new StintError('CONFIG_INVALID', {
      explanation: 'A role is named by its ARN, such as arn:aws:iam::123456789012:role/stint/reader.',
      roleArn: text.slice(0, 200),
    })
  return { partition, account, path, name }
}
