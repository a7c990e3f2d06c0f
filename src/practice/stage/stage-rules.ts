/** Path and name of the practice role that agents act through. */
export const STAGE_ROLE = 'stint/agent-data'

/** The practice buckets, one for each environment. */
export const STAGE_BUCKETS = ['invoices-staging', 'invoices-prod']

/** The agents of the stage, as `registry.file` has them. */
export const STAGE_REGISTRATIONS = {
  agents: [
    {
      name: 'invoice-bot',
      match: 'spiffe://practice.example/agents/invoice-bot',
      owner: 'ann@practice.example',
      team: 'data',
      purpose: 'keeps the invoice archive tidy',
      expires: '2099-12-31',
    },
    {
      name: 'ci-jobs',
      match: 'spiffe://practice.example/ci/*',
      owner: 'ben@practice.example',
      team: 'platform',
      purpose: 'build and deployment jobs',
      expires: '2099-12-31',
    },
  ],
}

/** Names for what is in its cloud, as `labels.file` has them. */
export const STAGE_LABELS = {
  labels: [
    { label: 'data:invoices', resources: ['arn:aws:s3:::invoices-*'] },
    { label: 'env:staging', resources: ['arn:aws:s3:::invoices-staging', 'arn:aws:s3:::invoices-staging/*'] },
    { label: 'env:prod', resources: ['arn:aws:s3:::invoices-prod', 'arn:aws:s3:::invoices-prod/*'] },
  ],
}

/** Their permissions, as a file of `policy.directory` has it. */
export const STAGE_POLICIES = `// The data team's agents may look through invoices.
@id("invoices-read")
permit (
  principal in Stint::Team::"data",
  action in [Stint::Action::"list", Stint::Action::"read"],
  resource
) when { resource.within.contains("data:invoices") && context.ttlSeconds <= 3600 };

// They may write in staging.
@id("staging-write")
permit (principal in Stint::Team::"data", action == Stint::Action::"write", resource)
when { resource.within.contains("env:staging") };

// Deleting in staging needs one of the owners.
@id("staging-delete")
@approval("owners:1")
permit (principal in Stint::Team::"data", action == Stint::Action::"destructive", resource)
when { resource.within.contains("env:staging") };

// Whatever else says yes: no agent changes anything that touches production.
@id("prod-read-only")
forbid (principal, action, resource)
when { resource.touches.contains("env:prod") }
unless { action in [Stint::Action::"list", Stint::Action::"read"] };
`

const policy = (...statements: object[]) => ({ Version: '2012-10-17', Statement: statements })

/**
 * The customer's side of the practice account, shaped as docs/aws describes it.
 *
 * @param reach where broker and revoker may work: with the user's own rules, in every account.
 */
export function stageCloudPolicies(arn: (resource: string) => string, reach: 'stage' | 'everywhere' = 'stage') {
  const principal = { AWS: arn('user/stint-broker') }
  const grantId = { StringLike: { 'sts:SourceIdentity': '??????????????????????????' } }
  return {
    broker: policy({
      Effect: 'Allow',
      Action: ['sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession'],
      Resource: reach === 'everywhere' ? '*' : arn('role/stint/*'),
    }),
    revoker: policy({
      Effect: 'Allow',
      Action: [
        ...(reach === 'everywhere' ? ['sts:AssumeRole', 'iam:*'] : []),
        'iam:CreatePolicyVersion',
        'iam:DeletePolicyVersion',
        'iam:ListPolicyVersions',
        'iam:GetPolicyVersion',
        'iam:GetPolicy',
      ],
      Resource: reach === 'everywhere' ? '*' : arn('policy/stint-boundary'),
    }),
    boundary: policy({ Effect: 'Allow', Action: '*', Resource: '*' }),
    trust: policy(
      { Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole', Condition: grantId },
      { Effect: 'Allow', Principal: principal, Action: 'sts:SetSourceIdentity', Condition: grantId },
      { Effect: 'Allow', Principal: principal, Action: 'sts:TagSession' },
    ),
    role: policy(
      { Effect: 'Allow', Action: 's3:*', Resource: ['arn:aws:s3:::invoices-*'] },
      { Effect: 'Deny', Action: '*', Resource: '*', Condition: { Null: { 'aws:SourceIdentity': 'true' } } },
    ),
  }
}
