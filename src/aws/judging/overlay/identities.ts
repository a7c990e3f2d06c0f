import type { OverlayRow } from './row.ts'

/** Makes people, groups or accounts able to do more, or acts as one of them. */
export const IDENTITY_ROWS: readonly OverlayRow[] = [
  {
    actions:
      'cognito-idp:InitiateAuth cognito-idp:RespondToAuthChallenge cognito-idp:GetTokensFromRefreshToken amplifyuibuilder:ExchangeCodeForToken amplifyuibuilder:RefreshToken',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the tokens are honoured until they expire',
    reason: 'signs in as a user and returns the tokens; the Admin forms of it are the same',
  },
  {
    actions: 'iq-permission:AssumePermissionRole',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the new session lives its own time',
    reason: 'takes on the role that a permission request names',
  },
  {
    actions: 'iq-permission:ApprovePermissionRequest iq-permission:CreatePermissionRequest',
    class: 'permissions',
    outlives: 'the permission stays',
    reason: 'an expert from outside gets a role in the account',
  },
  {
    actions: 'workmail:AssumeImpersonationRole',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the token is honoured until it expires',
    reason: "returns a token that opens other people's mailboxes",
  },
  {
    actions:
      'datazone:GetIamPortalLoginUrl signin:Authenticate aidevops:CreateOneTimeLoginSession wickr:CreateAdminSession',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the signed-in session stays',
    reason: 'signs somebody in',
  },
  {
    actions:
      'bedrock-agentcore:InvokeAgentRuntimeForUser bedrock-agentcore:InvokeAgentRuntimeWithWebSocketStreamForUser',
    class: 'escalation',
    outlives: 'an invocation that has started runs to its end',
    reason: "acts in the name of a user of the caller's choice",
  },
  {
    actions: 'bedrock-agentcore:CreateWorkloadIdentity bedrock-agentcore:UpdateWorkloadIdentity',
    class: 'escalation',
    outlives: 'the identity stays',
    reason: 'makes an identity for which tokens of other systems are minted',
  },
  {
    actions:
      'bedrock-agentcore:CreatePaymentCredentialProvider bedrock-agentcore:UpdatePaymentCredentialProvider bedrock-agentcore:CreatePolicyEngine bedrock-agentcore:CreateConsentPortal bedrock-agentcore:UpdateConsentPortal aidevops:UpdateOperatorAppIdpConfig',
    class: 'permissions',
    outlives: 'the setting stays',
    reason: 'decides what other agents and people may do, and as whom',
  },
  {
    actions:
      'codecatalyst:AssociateIamRoleToConnection codecatalyst:AcceptConnection mgh:AssociateAutomationUnitRole mgh:BatchAssociateIamRoleWithConnection greengrass:AssociateRoleToGroup odb:AssociateIamRoleToResource datazone:AssociateEnvironmentRole ec2:AssociateEnclaveCertificateIamRole greengrass:AssociateServiceRoleToAccount elasticbeanstalk:AssociateEnvironmentOperationsRole ds:EnableRoleAccess inspector:RegisterCrossAccountAccessRole iot:AttachThingPrincipal',
    class: 'permissions',
    outlives: 'the role or principal stays attached',
    reason: 'what is behind the connection, device, group or certificate acts with the role from then on',
  },
  {
    actions:
      'ds:EnableSso ds:EnableRadius ds:UpdateRadius ds:CreateConditionalForwarder ds:UpdateConditionalForwarder ds:CreateDirectory ds:CreateIdentityPoolDirectory ds:CreateMicrosoftAD ds:ConnectDirectory ds-data:CreateGroup ds-data:UpdateGroup',
    class: 'permissions',
    outlives: 'the directory, group or trust stays',
    reason: 'decides who can sign in through the directory; creating one sets its administrator',
  },
  {
    actions:
      'connect:AssociateSecurityProfiles connect:CreateSecurityProfile connect:UpdateSecurityProfile wickr:CreateSecurityGroup wickr:UpdateSecurityGroup appstream:CreateEntitlement appstream:UpdateEntitlement appstream:AssociateApplicationToEntitlement nimble:PutStudioMembers nimble:PutLaunchProfileMembers nimble:UpdateLaunchProfileMember repostspace:BatchAddRole repostspace:BatchAddChannelRoleToAccessors repostspace:RegisterAdmin scn:AssignAdminPermissionsToUser scn:CreateSSOApplication researchstudio:AssignPrincipal workdocs:UpdateUserAdministrativeSettings partnercentral-account-management:AssociatePartnerUser bugbust:UpdateWorkItemAdmin quicksight:CreateAdmin quicksight:CreateReader quicksight:CreateGroup quicksight:UpdateGroup workmail:AssociateDelegateToResource workmail:CreateMobileDeviceAccessRule workmail:UpdateMobileDeviceAccessRule workmail:PutIdentityProviderConfiguration workspaces:ModifySamlProperties workspaces:ModifyCertificateBasedAuthProperties codecatalyst:AssociateIdentityCenterApplicationToSpace iotmanagedintegrations:CreateCredentialLocker',
    class: 'permissions',
    outlives: 'the right stays',
    reason: 'gives people or groups rights in the service, or decides who can sign in to it',
  },
  {
    actions:
      'cognito-idp:ConfirmForgotPassword cognito-idp:SetRiskConfiguration cognito-idp:SetUserPoolMfaConfig cognito-idp:SetUserMFAPreference cognito-idp:CreateGroup cognito-idp:UpdateGroup cognito-idp:CreateUserPool cognito-idp:UpdateUserAttributes cognito-idp:ChangePassword cognito-idp:AdminEnableUser',
    class: 'permissions',
    outlives: 'the setting stays',
    reason: 'decides how users of the pool prove who they are, and what a group of them may do',
  },
  {
    actions:
      'storagegateway:SetLocalConsolePassword storagegateway:SetSMBGuestPassword storagegateway:UpdateChapCredentials storagegateway:DeleteChapCredentials chime:PutVoiceConnectorTerminationCredentials chime:DeleteVoiceConnectorTerminationCredentials codebuild:DeleteSourceCredentials workmail:ResetPassword',
    class: 'permissions',
    outlives: 'the credential stays until it is changed',
    reason: 'sets or removes a credential, and so who gets in',
  },
  {
    actions: 'cloudfront:CreateKeyGroup cloudfront:CreatePublicKey cloudfront:UpdatePublicKey',
    class: 'permissions',
    outlives: 'the key stays trusted',
    reason: 'decides whose signed links open private content',
  },
  {
    actions:
      'quicksight:DeleteGroup quicksight:DeleteGroupMembership quicksight:DeleteIAMPolicyAssignment quicksight:DeleteUserByPrincipalId quicksight:DeleteUser quicksight:DeleteRoleMembership quicksight:DeleteFolderMembership redshift:RevokeClusterSecurityGroupIngress',
    class: 'permissions',
    reason: 'taking rights away changes who may do what, as giving them does',
  },
  {
    actions:
      'codeconnections:RegisterAppCode codeconnections:StartAppRegistrationHandshake codeconnections:StartOAuthHandshake codestar-connections:RegisterAppCode codestar-connections:StartAppRegistrationHandshake codestar-connections:StartOAuthHandshake codeguru-reviewer:CreateConnectionToken',
    class: 'permissions',
    outlives: 'the connection stays',
    reason: 'connects the account with a code host; AWS calls it a read',
  },
  {
    actions: 'workspaces:DirectoryAccessManagement',
    class: 'permissions',
    reason: 'manages directories; AWS calls it a list',
  },
  {
    actions: 'worklink:UpdateDevicePolicyConfiguration',
    class: 'permissions',
    reason: 'decides which devices get in',
  },
]
