import { readClaim } from '../claim-path.ts'
import { HOUR_MS, type IssuerPreset, TEN_MINUTES_MS } from './preset.ts'

const STS = '/https:~1~1sts.amazonaws.com~1'
const ACCOUNT = `${STS}/aws_account`

/**
 * AWS outbound identity federation: tokens of `sts:GetWebIdentityToken`, from the issuer of one account.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html
 */
export const AWS_PRESET: IssuerPreset = {
  algorithms: ['RS256', 'ES384'],
  maxTokenAgeMs: TEN_MINUTES_MS,
  maxLifetimeMs: HOUR_MS,
  fields: {
    aws_account: ACCOUNT,
    org_id: `${STS}/org_id`,
    source_region: `${STS}/source_region`,
    lambda_source_function_arn: `${STS}/lambda_source_function_arn`,
    ec2_source_instance_arn: `${STS}/ec2_source_instance_arn`,
  },
  subject: ['aws_account', 'sub'],
  pins: [ACCOUNT, '/sub'],
  required: ['/sub'],
  unfit: {
    [`${STS}/request_tags`]: "request tags are chosen by the token's requester",
  },
  presetChecks: [
    {
      name: 'aws_account',
      problem(claims) {
        const account = readClaim(claims, ACCOUNT)
        const inSub =
          typeof claims.sub === 'string'
            ? /^arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):\S+$/.exec(claims.sub)?.[1]
            : undefined
        if (inSub === undefined) return 'The sub of a token of AWS is the ARN of an IAM principal.'
        return account === inSub ? undefined : 'The aws_account of the token is not the account of its sub.'
      },
    },
  ],
  issuerProblem: (issuer) =>
    /^https:\/\/[0-9a-f-]{36}\.tokens\.sts\.global\.api\.aws$/.test(issuer)
      ? undefined
      : 'must be the issuer of one account, as https://UUID.tokens.sts.global.api.aws',
}
