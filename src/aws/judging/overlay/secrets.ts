import type { OverlayRow } from './row.ts'

/** Answers that hold a secret, though AWS's model does not mark it. */
export const SECRET_ROWS: readonly OverlayRow[] = [
  {
    actions:
      'appsync:ListApiKeys appsync:UpdateApiKey chime:CreateApiKey cognito-idp:DescribeIdentityProvider cognito-idp:GetUserAttributeVerificationCode directconnect:DescribeVirtualInterfaces directconnect:Create*VirtualInterface invoicing:GetProcurementPortalPreference ivs:GetStreamKey ivs:BatchGetStreamKey ivs:CreateStreamKey sso-directory:ListBearerTokens',
    flags: ['secret'],
    reason: 'the answer holds a key, a code or a client secret, which no mark in the model shows',
  },
  {
    actions:
      'cognito-idp:ListUserPoolClientSecrets cognito-idp:DescribeUserPoolClient cognito-idp:CreateUserPoolClient cognito-idp:UpdateUserPoolClient cognito-idp:AddUserPoolClientSecret lightsail:CreateKeyPair ec2:CreateKeyPair lightsail:CreateContainerServiceRegistryLogin iotmanagedintegrations:CreateProvisioningProfile',
    flags: ['secret'],
    outlives: 'the key, login or client secret works until it is changed',
    reason: 'the answer holds a long-term credential',
  },
  {
    actions: 'athena:GetSession chatbot:GetMicrosoftTeamsOauthParameters chatbot:GetSlackOauthParameters',
    flags: ['secret'],
    reason: 'public lists of exposed credentials name it; harmless to flag',
  },
  {
    actions:
      'codebuild:BatchGetCommandExecutions codebuild:ListSandboxes ssm:GetCommandInvocation ssm:ListCommandInvocations ssm:ListCommands',
    flags: ['secret'],
    reason: 'commands often hold secrets',
  },
  {
    actions:
      'autoscaling:DescribeLaunchConfigurations ec2:DescribeSpotFleetRequests ec2:DescribeSpotInstanceRequests elasticbeanstalk:DescribeConfigurationSettings opsworks:DescribeApps',
    flags: ['secret'],
    reason: 'user data and environment variables often hold secrets',
  },
]
