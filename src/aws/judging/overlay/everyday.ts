import type { OverlayRow } from './row.ts'

/** Everyday actions whose name or level sounds worse than they are, and what somebody has looked at in a risky service. */
export const EVERYDAY_ROWS: readonly OverlayRow[] = [
  {
    actions: 'sqs:DeleteMessage',
    level: 'write',
    reason: 'acknowledging a message is how a queue is read; a message that was received is hidden from others already',
  },
  {
    actions: 'athena:StartQueryExecution athena:RunQuery',
    level: 'write',
    outlives: 'the query runs to its end',
    reason:
      "a query can do only what the caller's own rights in Glue and S3 allow, which are classified themselves: a DROP needs glue:DeleteTable, an INSERT s3:PutObject",
  },
  {
    actions:
      'glue:StopSession athena:TerminateSession elasticmapreduce:TerminateSession emr-serverless:TerminateSession bedrock-agentcore:StopBrowserSession bedrock-agentcore:StopCodeInterpreterSession',
    level: 'write',
    reason: 'ends an interactive session; what it wrote stays',
  },
  {
    actions: 'security-ir:CloseCase agentaccess-mcp:MovePointer iot:CloseTunnel',
    level: 'write',
    reason: 'ends or moves something of the moment; nothing is lost',
  },
  {
    actions: 'lightsail:CloseInstancePublicPorts',
    level: 'destructive',
    reason: 'cuts off what comes in through the port, as ec2:RevokeSecurityGroupIngress does',
  },
  {
    actions: 'opensearch:ViewLoginPage',
    class: 'permissions',
    reason: 'the way to sign in to the application, which AWS files under permissions management',
  },
  {
    actions: 'ec2:RejectVpcEndpointConnections kafka:RejectClientVpcConnection ec2:RejectVpcPeeringConnection',
    class: 'destructive',
    reason: 'can also cut a connection that is in use',
  },
  {
    actions: 'mechanicalturk:RejectAssignment',
    class: 'destructive',
    reason: 'the worker is not paid',
  },
  {
    actions: 'rekognition:CreateUser a4b:CreateUser',
    level: 'write',
    reason: 'a face or a speaker, not somebody who signs in',
  },
  {
    actions:
      'sts:GetCallerIdentity sts:GetAccessKeyInfo sts:DecodeAuthorizationMessage kms:Describe* kms:List* kms:GetKeyPolicy kms:GetKeyRotationStatus kms:GetKeyLastUsage kms:GetPublicKey kms:GetParametersForImport secretsmanager:Describe* secretsmanager:List* secretsmanager:GetResourcePolicy secretsmanager:GetRandomPassword cognito-identity:Describe* cognito-identity:List* cognito-identity:GetIdentityPoolRoles cognito-identity:GetIdentityPoolAnalytics cognito-identity:GetIdentityPoolDailyAnalytics cognito-identity:GetIdentityProviderDailyAnalytics cognito-identity:GetPrincipalTagAttributeMap cognito-identity:LookupDeveloperIdentity acm-pca:Describe* acm-pca:List* acm-pca:GetCertificate acm-pca:GetCertificateAuthorityCertificate acm-pca:GetCertificateAuthorityCsr acm-pca:GetPolicy signin:List* signin:GetConsoleAuthorizationConfiguration signin:GetResourcePolicy signin:IntrospectOAuth2Token sso-oauth:IntrospectTokenWithIAM',
    reviewed: true,
    reason: 'describes without handing out a key, a secret or a token',
  },
  {
    actions:
      'kms:CreateAlias kms:EnableKey kms:EnableKeyRotation kms:RotateKeyOnDemand kms:SynchronizeMultiRegionKey kms:UpdateKeyDescription kms:Encrypt kms:ReEncrypt* kms:GenerateDataKey*WithoutPlaintext kms:GenerateRandom kms:Verify kms:VerifyMac kms:CancelKeyDeletion',
    reviewed: true,
    reason: 'uses, renames or revives a key; nothing comes out in plaintext and nobody gains rights',
  },
  {
    actions: 'secretsmanager:CreateSecret secretsmanager:RestoreSecret acm-pca:CreateCertificateAuthorityAuditReport',
    reviewed: true,
    reason: 'makes a new thing, or brings one back; nothing is read and nobody gains rights',
  },
  {
    actions: 'cognito-identity:GetId iam:GenerateServiceLastAccessedDetails iam:GenerateOrganizationsAccessReport',
    reviewed: true,
    reason: 'an id without rights, or a report that is made to be read',
  },
  {
    actions:
      'cloudtrail:UpdateDashboard cloudtrail:DeleteDashboard securityhub:UpdateInsight securityhub:DeleteInsight securityhub:UpdateActionTarget securityhub:DeleteActionTarget config:PutStoredQuery config:DeleteStoredQuery guardduty:UpdateFindingsFeedback macie2:DeleteInvitations guardduty:DeleteInvitations securityhub:DeleteInvitations',
    reviewed: true,
    reason: 'a view of findings, a saved query or a comment; what is detected stays the same',
  },
  {
    actions:
      'network-firewall:UpdateFirewallDescription network-firewall:AssociateSubnets network-firewall:AssociateAvailabilityZones network-firewall:UpdateFirewallAnalysisSettings',
    reviewed: true,
    reason: 'adds to what the firewall covers, or changes a text',
  },
  {
    actions:
      'iam:RejectDelegationRequest ram:RejectResourceShareInvitation organizations:DeclineHandshake organizations:CancelHandshake iq-permission:RejectPermissionRequest supportauthz:RejectSupportPermitRequest',
    reviewed: true,
    reason: 'says no to rights that were offered or asked for; everything stays as it is',
  },
  {
    actions: 'ssm-guiconnect:UpdateConnectionRecordingPreferences',
    class: 'destructive',
    flags: ['audit'],
    reason: 'can switch off the recording of desktop sessions',
  },
]
