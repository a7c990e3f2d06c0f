import type { OverlayRow } from './row.ts'

/**
 * Reviewed row by row against the Service Authorization Reference, whose levels call `iam:PassRole` a plain write.
 * Escalation rows follow the public catalogues of IAM privilege escalation (Rhino Security Labs, "AWS IAM Privilege
 * Escalation"; Bishop Fox, "IAM Vulnerable"); `outlives` rows what AWS documents of credentials and sessions made by a call.
 */
export const GENERAL_ROWS: readonly OverlayRow[] = [
  // Becomes somebody else, or makes somebody who can
  {
    actions: 'iam:PassRole',
    class: 'escalation',
    outlives: 'the service keeps the role that was passed',
    reason: 'a service then acts with the role that was passed',
  },
  {
    actions: 'sts:AssumeRole sts:AssumeRoleWithSAML sts:AssumeRoleWithWebIdentity',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the new session lives its own time',
    reason: 'the role assumed has its own policies; the session policy stays behind',
  },
  {
    actions: 'sts:AssumeRoot',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the root session lives its own time',
    reason: 'mints a root session in a member account',
  },
  {
    actions: 'sts:GetFederationToken sts:GetSessionToken sts:GetDelegatedAccessToken',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the token lives up to 36 hours',
    reason: 'mints credentials; AWS lists GetSessionToken as a read',
  },
  {
    actions: 'sts:GetWebIdentityToken sts:GetServiceBearerToken',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the signed token is honoured elsewhere until it expires',
    reason: 'mints a bearer token that proves this principal to others',
  },
  {
    actions: 'sts:SetSourceIdentity sts:TagSession sts:SetContext',
    class: 'escalation',
    reason: 'decides how a further session is named and judged',
  },
  {
    actions: 'iam:CreateAccessKey iam:CreateServiceSpecificCredential iam:ResetServiceSpecificCredential',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'a long-term credential stays until it is deleted',
    reason: 'mints long-term credentials of a user',
  },
  {
    actions: 'iam:CreateLoginProfile iam:UpdateLoginProfile iam:ChangePassword',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the console password stays until it is changed',
    reason: 'sets a password with which to sign in as a user',
  },
  {
    actions:
      'iam:UpdateAccessKey iam:UploadSSHPublicKey iam:UpdateSSHPublicKey iam:UploadSigningCertificate iam:UpdateSigningCertificate iam:UpdateServiceSpecificCredential',
    class: 'escalation',
    outlives: 'the key is honoured until it is removed',
    reason: 'adds or reactivates a credential of a user',
  },
  {
    actions: 'iam:PutUserPolicy iam:PutRolePolicy iam:PutGroupPolicy',
    class: 'escalation',
    outlives: 'the policy stays',
    reason: 'writes any policy onto a principal',
  },
  {
    actions: 'iam:AttachUserPolicy iam:AttachRolePolicy iam:AttachGroupPolicy',
    class: 'escalation',
    outlives: 'the policy stays attached',
    reason: 'attaches any policy, AdministratorAccess too',
  },
  {
    actions: 'iam:CreatePolicyVersion iam:SetDefaultPolicyVersion iam:CreatePolicy',
    class: 'escalation',
    outlives: 'the policy version stays',
    reason: 'changes what an attached policy says',
  },
  {
    actions: 'iam:UpdateAssumeRolePolicy',
    class: 'escalation',
    flags: ['shares'],
    outlives: 'the trust stays',
    reason: 'lets anybody named assume the role',
  },
  {
    actions:
      'iam:PutUserPermissionsBoundary iam:PutRolePermissionsBoundary iam:DeleteUserPermissionsBoundary iam:DeleteRolePermissionsBoundary',
    class: 'escalation',
    reason: 'a boundary is what caps the principal, and carries the deny list',
  },
  {
    actions:
      'iam:DetachRolePolicy iam:DeleteRolePolicy iam:DetachUserPolicy iam:DeleteUserPolicy iam:DetachGroupPolicy iam:DeleteGroupPolicy iam:DeletePolicyVersion',
    class: 'escalation',
    reason: 'takes away a policy that denies',
  },
  {
    actions: 'iam:AddUserToGroup iam:AddRoleToInstanceProfile iam:CreateInstanceProfile',
    class: 'escalation',
    outlives: 'the membership stays',
    reason: 'gives a principal the rights of a group or role',
  },
  {
    actions: 'iam:CreateUser iam:CreateRole iam:CreateServiceLinkedRole iam:UpdateRole',
    class: 'escalation',
    outlives: 'the principal stays',
    reason: 'makes a principal, or lengthens its sessions',
  },
  {
    actions:
      'iam:CreateSAMLProvider iam:UpdateSAMLProvider iam:CreateOpenIDConnectProvider iam:AddClientIDToOpenIDConnectProvider iam:UpdateOpenIDConnectProviderThumbprint',
    class: 'escalation',
    outlives: 'the provider stays trusted',
    reason: 'decides who can sign in from outside',
  },
  {
    actions:
      'iam:AcceptDelegationRequest iam:AssociateDelegationRequest iam:CreateDelegationRequest iam:SendDelegationToken',
    class: 'escalation',
    outlives: 'the delegation stays',
    reason: 'delegates rights to another party',
  },
  {
    actions:
      'iam:EnableOrganizationsRootCredentialsManagement iam:EnableOrganizationsRootSessions iam:EnableOutboundWebIdentityFederation',
    class: 'escalation',
    reason: 'opens a way to root sessions or signed tokens',
  },
  {
    actions:
      'iam:DeactivateMFADevice iam:DeleteVirtualMFADevice iam:EnableMFADevice iam:ResyncMFADevice iam:CreateVirtualMFADevice',
    class: 'permissions',
    flags: ['secret'],
    reason: 'weakens or replaces a second factor',
  },
  {
    actions:
      'iam:UpdateAccountPasswordPolicy iam:DeleteAccountPasswordPolicy iam:SetSecurityTokenServicePreferences iam:PutAccountProperties',
    class: 'permissions',
    reason: 'account-wide sign-in rules',
  },
  {
    actions:
      'iam:RemoveUserFromGroup iam:UpdateUser iam:UpdateGroup iam:CreateGroup iam:DeleteRole iam:DeleteUser iam:DeleteGroup',
    class: 'permissions',
    reason: 'changes who has which rights',
  },
  {
    actions: 'iam:TagRole iam:UntagRole iam:TagUser iam:UntagUser',
    class: 'permissions',
    reason: 'principal tags decide access where policies read them (ABAC)',
  },
  {
    actions:
      'sso:CreateAccountAssignment sso:PutInlinePolicyToPermissionSet sso:AttachManagedPolicyToPermissionSet sso:AttachCustomerManagedPolicyReferenceToPermissionSet sso:ProvisionPermissionSet sso:CreatePermissionSet sso:UpdatePermissionSet',
    class: 'escalation',
    outlives: 'the assignment stays',
    reason: 'gives people or groups rights in accounts',
  },
  {
    actions: 'identitystore:CreateGroupMembership identitystore:CreateUser identitystore:UpdateUser',
    class: 'escalation',
    outlives: 'the membership stays',
    reason: 'puts people into groups that carry rights',
  },
  {
    actions:
      'rolesanywhere:CreateProfile rolesanywhere:UpdateProfile rolesanywhere:CreateTrustAnchor rolesanywhere:UpdateTrustAnchor rolesanywhere:EnableProfile rolesanywhere:EnableTrustAnchor',
    class: 'escalation',
    outlives: 'the trust anchor stays trusted',
    reason: 'lets holders of a certificate assume roles',
  },
  {
    actions:
      'organizations:AttachPolicy organizations:DetachPolicy organizations:UpdatePolicy organizations:DeletePolicy organizations:DisablePolicyType organizations:MoveAccount',
    class: 'escalation',
    reason: 'service control policies cap whole accounts',
  },
  {
    actions:
      'organizations:CreateAccount organizations:InviteAccountToOrganization organizations:RegisterDelegatedAdministrator organizations:EnableAWSServiceAccess organizations:PutResourcePolicy',
    class: 'escalation',
    outlives: 'the account or delegation stays',
    reason: 'hands administration to others',
  },
  {
    actions:
      'cognito-identity:GetCredentialsForIdentity cognito-identity:GetOpenIdToken cognito-identity:GetOpenIdTokenForDeveloperIdentity',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the credentials live their own time',
    reason: 'mints AWS credentials; AWS lists it as a read',
  },
  {
    actions:
      'cognito-identity:SetIdentityPoolRoles cognito-identity:SetPrincipalTagAttributeMap cognito-identity:UpdateIdentityPool',
    class: 'escalation',
    outlives: 'the mapping stays',
    reason: 'decides which role identities receive',
  },
  {
    actions:
      'cognito-idp:AdminSetUserPassword cognito-idp:AdminCreateUser cognito-idp:AdminInitiateAuth cognito-idp:AdminAddUserToGroup cognito-idp:AdminConfirmSignUp cognito-idp:AdminRespondToAuthChallenge',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the account or token stays valid',
    reason: 'signs in as, or makes, a user of the pool',
  },
  {
    actions: 'eks-auth:AssumeRoleForPodIdentity',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the credentials live their own time',
    reason: "mints credentials of a pod's role",
  },
  {
    actions: 'iot:CreateRoleAlias iot:UpdateRoleAlias iot:CreateTopicRule iot:ReplaceTopicRule',
    class: 'escalation',
    outlives: 'the alias or rule stays',
    reason: 'devices or rules act with a role',
  },

  // Runs code with rights that are not the caller's
  {
    actions: 'lambda:CreateFunction lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration',
    class: 'escalation',
    outlives: "the code stays and runs with the function's role",
    reason: "code of the caller's choice runs with the function's role; layers and handlers count as code",
  },
  {
    actions: 'lambda:CreateEventSourceMapping lambda:UpdateEventSourceMapping lambda:UpdateAlias lambda:CreateAlias',
    class: 'escalation',
    outlives: 'the trigger stays',
    reason: 'decides when, or which version of, privileged code runs',
  },
  {
    actions:
      'lambda:PassCapacityProvider lambda:PassNetworkConnector lambda:RunMicrovm lambda:CreateMicrovmShellAuthToken lambda:CreateMicrovmAuthToken lambda:ConnectMicrovm',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'an open connection stays open',
    reason: 'runs or enters code that has a role',
  },
  {
    actions: 'lambda:InvokeFunction lambda:InvokeAsync lambda:InvokeFunctionUrl',
    outlives: 'an invocation that has started runs to its end',
    reason: 'runs code that somebody else wrote, with its own rights',
  },
  {
    actions:
      'ec2:RunInstances ec2:RequestSpotInstances ec2:RequestSpotFleet ec2:CreateFleet ec2:ModifyFleet ec2:ModifySpotFleetRequest',
    class: 'escalation',
    outlives: 'the instances stay and run with their profile',
    reason: 'starts machines, with an instance profile and user data',
  },
  {
    actions: 'ec2:AssociateIamInstanceProfile ec2:ReplaceIamInstanceProfileAssociation',
    class: 'escalation',
    outlives: 'the instance keeps the role',
    reason: 'gives a machine another role',
  },
  {
    actions:
      'ec2:ModifyInstanceAttribute ec2:ModifyInstanceMetadataOptions ec2:CreateReplaceRootVolumeTask ec2:AttachVolume',
    class: 'escalation',
    outlives: 'the change stays on the machine',
    reason: 'user data, disks and metadata rules decide what runs on a machine',
  },
  {
    actions: 'ec2:CreateLaunchTemplate ec2:CreateLaunchTemplateVersion ec2:ModifyLaunchTemplate',
    class: 'escalation',
    outlives: 'later machines start from it',
    reason: 'decides what machines start with',
  },
  {
    actions:
      'ec2-instance-connect:SendSSHPublicKey ec2-instance-connect:SendSerialConsoleSSHPublicKey ec2-instance-connect:OpenTunnel',
    class: 'escalation',
    outlives: 'an open session stays open',
    reason: 'logs in to a machine, and so to its role',
  },
  {
    actions:
      'autoscaling:CreateLaunchConfiguration autoscaling:CreateAutoScalingGroup autoscaling:UpdateAutoScalingGroup',
    class: 'escalation',
    outlives: 'the group keeps starting machines',
    reason: 'starts machines with an instance profile',
  },
  {
    actions: 'ssm:SendCommand ssm:StartAutomationExecution ssm:StartChangeRequestExecution ssm:StartAssociationsOnce',
    class: 'escalation',
    outlives: 'the command runs to its end',
    reason: "runs commands on machines, with the machine's or the runbook's role",
  },
  {
    actions: 'ssm:StartSession ssm:ResumeSession ssm:StartAccessRequest ssm:GetAccessToken',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'an open session stays open',
    reason: 'a shell on a machine, and so its role',
  },
  {
    actions:
      'ssm:CreateAssociation ssm:CreateAssociationBatch ssm:UpdateAssociation ssm:RegisterTaskWithMaintenanceWindow ssm:UpdateMaintenanceWindowTask ssm:UpdateDocument ssm:UpdateDocumentDefaultVersion',
    class: 'escalation',
    outlives: 'it runs again on schedule',
    reason: 'decides what runs on machines later',
  },
  {
    actions: 'ssm:CreateActivation ssm:UpdateManagedInstanceRole ssm:RequestManagedInstanceRoleToken',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the machine keeps its role',
    reason: 'gives a machine outside a role',
  },
  {
    actions: 'ssm-guiconnect:StartConnection',
    class: 'escalation',
    outlives: 'an open session stays open',
    reason: 'a desktop on a machine',
  },
  {
    actions:
      'cloudformation:CreateStack cloudformation:UpdateStack cloudformation:CreateChangeSet cloudformation:ExecuteChangeSet cloudformation:RollbackStack cloudformation:ContinueUpdateRollback',
    class: 'escalation',
    outlives: 'the stack operation runs to its end',
    reason: "the template acts with the stack's service role; an update can delete what it replaces",
  },
  {
    actions:
      'cloudformation:CreateStackSet cloudformation:UpdateStackSet cloudformation:CreateStackInstances cloudformation:UpdateStackInstances cloudformation:ImportStacksToStackSet cloudformation:CreateStackRefactor cloudformation:ExecuteStackRefactor',
    class: 'escalation',
    outlives: 'the operation runs to its end',
    reason: 'acts in many accounts with administration roles',
  },
  {
    actions:
      'cloudformation:RegisterType cloudformation:ActivateType cloudformation:SetTypeConfiguration cloudformation:SetTypeDefaultVersion',
    class: 'escalation',
    outlives: 'the extension stays',
    reason: 'extensions and hooks run code with a role',
  },
  {
    actions: 'cloudformation:CreateResource cloudformation:UpdateResource',
    class: 'escalation',
    outlives: 'the operation runs to its end',
    reason: 'Cloud Control can make and change any type, with a role passed',
  },
  {
    actions: 'ecs:ExecuteCommand',
    class: 'escalation',
    outlives: 'an open session stays open',
    reason: "a shell in a container, and so the task's role",
  },
  {
    actions:
      'ecs:RegisterTaskDefinition ecs:RunTask ecs:StartTask ecs:CreateService ecs:UpdateService ecs:CreateTaskSet ecs:RegisterContainerInstance ecs:CreateExpressGatewayService ecs:UpdateExpressGatewayService',
    class: 'escalation',
    outlives: 'the containers keep running with the task role',
    reason: 'runs containers with task and execution roles',
  },
  {
    actions: 'eks:AccessKubernetesApi eks:MutateViaKubernetesApi',
    class: 'escalation',
    outlives: 'what was made in the cluster stays',
    reason: 'the rights come from Kubernetes, not from IAM; AWS lists the first as a read',
  },
  {
    actions:
      'eks:CreateAccessEntry eks:UpdateAccessEntry eks:AssociateAccessPolicy eks:AssociateIdentityProviderConfig',
    class: 'escalation',
    outlives: 'the entry stays',
    reason: 'gives principals rights in the cluster',
  },
  {
    actions:
      'eks:CreatePodIdentityAssociation eks:UpdatePodIdentityAssociation eks:CreateAddon eks:UpdateAddon eks:CreateNodegroup eks:UpdateNodegroupConfig eks:CreateFargateProfile eks:CreateCapability eks:UpdateCapability',
    class: 'escalation',
    outlives: 'the pods keep the role',
    reason: 'pods or nodes act with a role',
  },
  {
    actions:
      'glue:CreateDevEndpoint glue:UpdateDevEndpoint glue:CreateJob glue:UpdateJob glue:StartJobRun glue:CreateTrigger glue:UpdateTrigger glue:StartTrigger glue:StartWorkflowRun',
    class: 'escalation',
    outlives: 'the job runs to its end',
    reason: "runs code with the job's role",
  },
  {
    actions: 'glue:CreateSession glue:RunStatement glue:StartNotebook glue:GlueNotebookRefreshCredentials',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the interactive session stays',
    reason: 'an interactive session with a role',
  },
  {
    actions:
      'sagemaker:CreateNotebookInstance sagemaker:UpdateNotebookInstance sagemaker:StartNotebookInstance sagemaker:CreateNotebookInstanceLifecycleConfig sagemaker:UpdateNotebookInstanceLifecycleConfig sagemaker:CreateStudioLifecycleConfig sagemaker:CreateApp sagemaker:CreateUserProfile sagemaker:UpdateUserProfile',
    class: 'escalation',
    outlives: 'the notebook keeps its role',
    reason: "runs code with the notebook's role",
  },
  {
    actions: 'sagemaker:CreatePresigned* sagemaker:CreatePartnerAppPresignedUrl',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the browser session stays signed in',
    reason: 'a signed link into a notebook with its own role',
  },
  {
    actions:
      'sagemaker:CreateTrainingJob sagemaker:CreateProcessingJob sagemaker:CreateTransformJob sagemaker:CreateAutoMLJob* sagemaker:CreateHyperParameterTuningJob sagemaker:CreatePipeline sagemaker:UpdatePipeline sagemaker:StartPipelineExecution sagemaker:CreateModel',
    class: 'escalation',
    outlives: 'the job runs to its end',
    reason: 'runs a container with an execution role',
  },
  {
    actions: 'datapipeline:CreatePipeline datapipeline:PutPipelineDefinition datapipeline:ActivatePipeline',
    class: 'escalation',
    outlives: 'the pipeline stays',
    reason: "runs commands with the pipeline's roles",
  },
  {
    actions:
      'codebuild:CreateProject codebuild:UpdateProject codebuild:StartBuild codebuild:StartBuildBatch codebuild:RetryBuild codebuild:RetryBuildBatch codebuild:StartSandbox codebuild:StartSandboxConnection codebuild:StartCommandExecution',
    class: 'escalation',
    outlives: 'the build runs to its end',
    reason: "a build runs code with the project's role; the buildspec can be overridden",
  },
  {
    actions:
      'codepipeline:CreatePipeline codepipeline:UpdatePipeline codepipeline:StartPipelineExecution codepipeline:PutApprovalResult',
    class: 'escalation',
    outlives: 'the execution runs to its end',
    reason: "deploys with the pipeline's role, or approves such a deployment",
  },
  {
    actions: 'codedeploy:CreateDeployment codedeploy:CreateDeploymentGroup codedeploy:UpdateDeploymentGroup',
    class: 'escalation',
    outlives: 'the deployment runs to its end',
    reason: 'runs hooks on machines',
  },
  {
    actions: 'states:CreateStateMachine states:UpdateStateMachine states:TestState',
    class: 'escalation',
    outlives: 'the state machine stays',
    reason: 'a state machine acts with its role on nearly every API',
  },
  {
    actions: 'states:StartExecution states:StartSyncExecution states:RedriveExecution',
    outlives: 'the execution runs to its end',
    reason: 'runs steps that somebody else wrote, with their own rights',
  },
  {
    actions:
      'events:PutRule events:PutTargets scheduler:CreateSchedule scheduler:UpdateSchedule pipes:CreatePipe pipes:UpdatePipe',
    class: 'escalation',
    outlives: 'it acts again when the event comes',
    reason: 'acts later, with a role',
  },
  {
    actions: 'batch:RegisterJobDefinition batch:SubmitJob batch:CreateComputeEnvironment',
    class: 'escalation',
    outlives: 'the job runs to its end',
    reason: 'runs containers with job roles',
  },
  {
    actions:
      'elasticmapreduce:RunJobFlow elasticmapreduce:AddJobFlowSteps elasticmapreduce:GetClusterSessionCredentials elasticmapreduce:CreateStudioPresignedUrl',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the steps run to their end',
    reason: "runs code with the cluster's role",
  },
  {
    actions:
      'emr-serverless:StartJobRun emr-serverless:GetDashboardForJobRun emr-containers:StartJobRun emr-containers:GetManagedEndpointSessionCredentials',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the job runs to its end',
    reason: 'runs code with an execution role',
  },
  {
    actions:
      'elasticbeanstalk:CreateEnvironment elasticbeanstalk:UpdateEnvironment apprunner:CreateService apprunner:UpdateService cloud9:CreateEnvironmentEC2 cloud9:CreateEnvironmentMembership',
    class: 'escalation',
    outlives: 'the environment keeps its role',
    reason: 'runs code with an instance role',
  },
  {
    actions:
      'imagebuilder:StartImagePipelineExecution imagebuilder:CreateImage greengrass:CreateDeployment appsync:CreateDataSource appsync:UpdateDataSource',
    class: 'escalation',
    outlives: 'what was made stays',
    reason: 'acts with a role passed to it',
  },
  {
    actions: 'bedrock:CreateAgent bedrock:UpdateAgent bedrock:CreateAgentActionGroup bedrock:UpdateAgentActionGroup',
    class: 'escalation',
    outlives: 'the agent keeps its role',
    reason: 'an agent acts with its role',
  },
  {
    actions:
      'bedrock-agentcore:GetWorkloadAccessToken* bedrock-agentcore:GetResourceOauth2Token bedrock-agentcore:GetResourceApiKey',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the token lives its own time',
    reason: 'mints tokens for other systems',
  },
  {
    actions: 'rds:AddRoleToDBInstance rds:AddRoleToDBCluster redshift:ModifyClusterIamRoles',
    class: 'escalation',
    outlives: 'the database keeps the role',
    reason: 'the database acts with the role from then on',
  },
  {
    actions: 'transfer:CreateUser transfer:UpdateUser transfer:ImportSshPublicKey',
    class: 'escalation',
    outlives: 'the key is honoured until it is removed',
    reason: 'a file-transfer user acts with a role',
  },
  {
    actions: 'iot:AttachPolicy iot:CreatePolicyVersion iot:SetDefaultPolicyVersion',
    class: 'permissions',
    outlives: 'the policy stays',
    reason: 'decides what devices may do',
  },

  // Changes who may do what, or opens a resource to others
  {
    actions:
      's3:PutBucketPolicy s3:PutBucketAcl s3:PutObjectAcl s3:PutObjectVersionAcl s3:PutAccessPointPolicy s3:PutMultiRegionAccessPointPolicy',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the policy stays',
    reason: 'a resource policy can name anybody, even this very session',
  },
  {
    actions:
      's3:PutBucketPublicAccessBlock s3:PutAccountPublicAccessBlock s3:PutAccessPointPublicAccessBlock s3:PutBucketOwnershipControls s3:ObjectOwnerOverrideToBucketOwner',
    class: 'permissions',
    flags: ['shares'],
    reason: 'takes away what keeps a bucket private',
  },
  {
    actions: 's3:DeleteBucketPolicy s3:DeleteAccessPointPolicy',
    class: 'permissions',
    flags: ['shares'],
    reason: 'a bucket policy may hold the only Deny',
  },
  {
    actions: 's3:CreateAccessGrant s3:PutAccessGrantsInstanceResourcePolicy s3:CreateAccessPoint',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the access stays',
    reason: 'a second way to the data',
  },
  {
    actions: 's3:GetDataAccess',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the credentials live up to 12 hours',
    reason: 'mints credentials for an access grant; AWS lists it as a read',
  },
  {
    actions: 's3:PutReplicationConfiguration',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'new objects keep being copied',
    reason: 'copies all that is written to another bucket, also of another account',
  },
  {
    actions: 's3:PutBucketCORS s3:PutBucketWebsite',
    class: 'permissions',
    flags: ['shares'],
    reason: 'opens a bucket to browsers',
  },
  {
    actions: 's3:BypassGovernanceRetention',
    class: 'permissions',
    reason: 'turns a protected delete into a possible one',
  },
  {
    actions: 'kms:PutKeyPolicy kms:CreateGrant',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the grant or policy stays',
    reason: 'lets others use the key; a grant needs no IAM right',
  },
  {
    actions:
      'lambda:AddPermission lambda:AddLayerVersionPermission lambda:CreateFunctionUrlConfig lambda:UpdateFunctionUrlConfig lambda:PutResourcePolicy',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the permission stays',
    reason: 'lets others call the function',
  },
  {
    actions:
      'ram:CreateResourceShare ram:AssociateResourceShare ram:AssociateResourceSharePermission ram:UpdateResourceShare ram:AcceptResourceShareInvitation ram:EnableSharingWithAwsOrganization ram:CreatePermission* ram:SetDefaultPermissionVersion ram:ReplacePermissionAssociations ram:Promote*',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the share stays',
    reason: 'shares resources with other accounts; AWS calls it a plain write',
  },
  {
    actions:
      'ec2:ModifySnapshotAttribute ec2:ModifyImageAttribute ec2:ModifyFpgaImageAttribute rds:ModifyDBSnapshotAttribute rds:ModifyDBClusterSnapshotAttribute redshift:AuthorizeSnapshotAccess redshift:AuthorizeDataShare',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'a copy made meanwhile stays',
    reason: 'shares a snapshot or image with other accounts, or with all',
  },
  {
    actions:
      'ec2:AuthorizeSecurityGroupIngress ec2:ModifySecurityGroupRules ec2:CreateNetworkAclEntry ec2:ReplaceNetworkAclEntry ec2:CreateVpcPeeringConnection ec2:AcceptVpcPeeringConnection',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the rule stays',
    reason: 'opens a network to others',
  },
  {
    actions:
      'ec2:DisableSnapshotBlockPublicAccess ec2:DisableImageBlockPublicAccess ec2:ModifyVpcEndpoint ec2:ModifyVpcEndpointServicePermissions',
    class: 'permissions',
    flags: ['shares'],
    reason: 'takes away what keeps a resource private',
  },
  {
    actions: 'sns:AddPermission sns:SetTopicAttributes sqs:AddPermission sqs:SetQueueAttributes',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the policy stays',
    reason: 'the attribute can be the resource policy',
  },
  {
    actions:
      'ecr:SetRepositoryPolicy ecr:PutRegistryPolicy ecr:PutReplicationConfiguration ecr-public:SetRepositoryPolicy',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the policy stays',
    reason: 'lets others pull or push images',
  },
  {
    actions:
      'secretsmanager:PutResourcePolicy secretsmanager:ReplicateSecretToRegions ssm:ModifyDocumentPermission ssm:PutResourcePolicy',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the policy stays',
    reason: 'lets others read secrets or run documents',
  },
  {
    actions:
      'dynamodb:PutResourcePolicy glue:PutResourcePolicy logs:PutResourcePolicy logs:PutDestinationPolicy events:PutPermission kinesis:PutResourcePolicy sagemaker:PutResourcePolicy backup:PutBackupVaultAccessPolicy glacier:SetVaultAccessPolicy elasticfilesystem:PutFileSystemPolicy codeartifact:PutDomainPermissionsPolicy codeartifact:PutRepositoryPermissionsPolicy',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the policy stays',
    reason: 'a resource policy can name anybody',
  },
  {
    actions:
      'lakeformation:GrantPermissions lakeformation:BatchGrantPermissions lakeformation:PutDataLakeSettings lakeformation:RegisterResource',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the permission stays',
    reason: 'gives rights on data beside IAM',
  },
  {
    actions:
      'codebuild:UpdateProjectVisibility rds:ModifyDBProxy es:UpdateDomainConfig cloudfront:UpdateDistribution cloudfront:CreateDistribution',
    class: 'permissions',
    flags: ['shares'],
    reason: 'can make private things public',
  },
  {
    actions: 'logs:PutSubscriptionFilter logs:PutAccountPolicy firehose:UpdateDestination',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the data keeps flowing',
    reason: 'sends data on to elsewhere',
  },
  {
    actions:
      'route53:ChangeResourceRecordSets route53:AssociateVPCWithHostedZone route53domains:TransferDomain* route53domains:UpdateDomainNameservers',
    class: 'destructive',
    flags: ['shares'],
    reason: 'a change can delete records and point a name elsewhere',
  },

  // Returns or mints secrets
  {
    actions: 'secretsmanager:GetSecretValue secretsmanager:BatchGetSecretValue',
    flags: ['secret'],
    outlives: 'a secret that was read stays known',
    reason: 'returns secrets; AWS lists it as a read',
  },
  {
    actions: 'ssm:GetParameter ssm:GetParameters ssm:GetParametersByPath ssm:GetParameterHistory',
    flags: ['secret'],
    outlives: 'a secret that was read stays known',
    reason: 'SecureString parameters are secrets',
  },
  {
    actions: 'kms:Decrypt',
    level: 'read',
    flags: ['secret'],
    reason: 'turns ciphertext into plaintext and changes nothing; AWS lists it as a write',
  },
  {
    actions: 'kms:GenerateDataKey kms:GenerateDataKeyPair kms:DeriveSharedSecret',
    flags: ['secret'],
    outlives: 'a plaintext key stays usable',
    reason: 'returns key material in plaintext',
  },
  {
    actions: 'kms:Sign',
    flags: ['secret'],
    outlives: 'a signature stays valid',
    reason: "signs in the name of the key's owner",
  },
  {
    actions: 'ecr:GetAuthorizationToken ecr-public:GetAuthorizationToken',
    flags: ['secret'],
    outlives: 'the registry token lives 12 hours',
    reason: 'mints a token; AWS lists it as a read',
  },
  {
    actions: 'codeartifact:GetAuthorizationToken',
    flags: ['secret'],
    outlives: 'the token lives up to 12 hours',
    reason: 'mints a token; AWS lists it as a read',
  },
  {
    actions: 's3express:CreateSession',
    flags: ['secret'],
    outlives: 'the session lives 5 minutes',
    reason: 'mints credentials for a directory bucket',
  },
  {
    actions: 'rds-db:connect',
    flags: ['secret'],
    outlives: 'open database connections stay open',
    reason: 'the sign-in token works 15 minutes, the connection as long as it is held',
  },
  {
    actions: 'redshift:GetClusterCredentials redshift:GetClusterCredentialsWithIAM redshift-serverless:GetCredentials',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the password lives up to an hour and connections stay open',
    reason: "mints a database password, also for a user of the caller's choice",
  },
  {
    actions:
      'ec2:GetPasswordData ec2:CreateKeyPair ec2:ImportKeyPair ec2:GetConsoleOutput ec2:GetConsoleScreenshot ec2:GetLaunchTemplateData',
    flags: ['secret'],
    reason: 'passwords, private keys, or logs and templates that often hold them',
  },
  {
    actions: 'ec2:DescribeInstanceAttribute ec2:DescribeLaunchTemplateVersions',
    flags: ['secret'],
    reason: 'user data often holds secrets',
  },
  {
    actions: 'lambda:GetFunction lambda:GetFunctionConfiguration lambda:ListFunctions',
    flags: ['secret'],
    reason: 'code and environment variables often hold secrets',
  },
  {
    actions:
      'lightsail:GetInstanceAccessDetails lightsail:DownloadDefaultKeyPair lightsail:GetRelationalDatabaseMasterUserPassword lightsail:CreateBucketAccessKey',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the key stays valid',
    reason: 'returns keys and passwords; AWS lists some as reads',
  },
  {
    actions: 'gamelift:GetInstanceAccess gamelift:RequestUploadCredentials gamelift:GetComputeAccess',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the credentials live their own time',
    reason: 'mints credentials for machines or uploads',
  },
  {
    actions:
      'iot:CreateKeysAndCertificate iot:CreateProvisioningClaim iot:RegisterCertificate iot:CreateCertificateFromCsr',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the certificate stays valid',
    reason: 'mints a device identity',
  },
  {
    actions: 'acm:ExportCertificate acm-pca:IssueCertificate',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the certificate stays valid',
    reason: "hands out a key, or a certificate in the authority's name",
  },
  {
    actions:
      'appsync:CreateApiKey grafana:CreateWorkspaceApiKey grafana:CreateWorkspaceServiceAccountToken airflow:CreateWebLoginToken airflow:CreateCliToken',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the key or token lives its own time',
    reason: 'mints a key or token of another system',
  },
  {
    actions:
      'connect:GetFederationToken quicksight:GetDashboardEmbedUrl quicksight:GetSessionEmbedUrl quicksight:GenerateEmbedUrlFor*',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the signed-in session stays',
    reason: 'a signed link that signs somebody in',
  },
  {
    actions: 'ecs:DescribeTaskDefinition codebuild:BatchGetProjects',
    flags: ['secret'],
    reason: 'environment variables often hold secrets',
  },
  {
    actions: 'cloudformation:GetTemplate cloudformation:DescribeStacks',
    flags: ['secret'],
    reason: 'outputs, parameters and templates often hold secrets',
  },
  {
    actions: 'iam:GetCredentialReport iam:GenerateCredentialReport iam:GetAccountAuthorizationDetails',
    flags: ['secret'],
    reason: 'the map that an attacker wants',
  },
  {
    actions: 'elasticfilesystem:ClientMount elasticfilesystem:ClientWrite elasticfilesystem:ClientRootAccess',
    outlives: 'a mount stays mounted',
    reason: 'judged once, when it mounts',
  },
  {
    actions: 'kafka-cluster:Connect iot:Connect',
    outlives: 'an open connection stays open',
    reason: 'judged once, when it connects',
  },
  {
    actions: 'appsync:EventConnect',
    outlives: 'an open connection stays open',
    reason: 'judged once, when it connects',
  },

  // Destroys, stops or overwrites without saying so in its name
  {
    actions:
      's3:PutLifecycleConfiguration elasticfilesystem:PutLifecycleConfiguration ecr:PutLifecyclePolicy dlm:UpdateLifecyclePolicy dlm:CreateLifecyclePolicy',
    class: 'destructive',
    outlives: 'the rule deletes on schedule',
    reason: 'a rule that expires everything is a slow delete',
  },
  {
    actions: 's3:PutBucketVersioning s3:PutBucketObjectLockConfiguration s3:PutObjectRetention s3:PutObjectLegalHold',
    class: 'destructive',
    reason: 'takes away what makes a delete recoverable',
  },
  {
    actions: 's3:CreateJob s3:UpdateJobStatus s3:UpdateJobPriority',
    class: 'destructive',
    outlives: 'the batch job runs to its end',
    reason: 'a batch job can delete or rewrite every object, with a role',
  },
  {
    actions: 's3:PutEncryptionConfiguration',
    class: 'destructive',
    reason: 'objects under a key that is lost are lost',
  },
  {
    actions: 'rds:ModifyDBInstance rds:ModifyDBCluster rds:ModifyGlobalCluster',
    class: 'destructive',
    flags: ['shares'],
    reason: 'resets the master password, drops backups and deletion protection, opens to the public',
  },
  {
    actions:
      'rds:BacktrackDBCluster rds:SwitchoverBlueGreenDeployment rds:SwitchoverReadReplica rds:SwitchoverGlobalCluster rds:ApplyPendingMaintenanceAction rds:PromoteReadReplica*',
    class: 'destructive',
    reason: 'goes back in time or interrupts the database',
  },
  {
    actions: 'rds:ModifyDBParameterGroup rds:ModifyDBClusterParameterGroup rds:ModifyOptionGroup',
    class: 'destructive',
    reason: 'can stop the database or its logging at the next start',
  },
  {
    actions: 'rds:StartExportTask dynamodb:ExportTableToPointInTime',
    flags: ['shares'],
    outlives: 'the export runs to its end',
    reason: 'copies a whole database out',
  },
  {
    actions:
      'dynamodb:BatchWriteItem dynamodb:PartiQLDelete dynamodb:UpdateTable dynamodb:UpdateTimeToLive dynamodb:UpdateContinuousBackups dynamodb:UpdateGlobalTable',
    class: 'destructive',
    reason: 'deletes items, drops replicas, indexes or backups, or expires data',
  },
  {
    actions:
      'redshift:ModifyCluster redshift:ModifyClusterSnapshot redshift:RestoreTableFromClusterSnapshot redshift:ResizeCluster',
    class: 'destructive',
    reason: 'resets the master password, interrupts or overwrites',
  },
  {
    actions:
      'redshift-data:ExecuteStatement redshift-data:BatchExecuteStatement rds-data:ExecuteStatement rds-data:BatchExecuteStatement rds-data:ExecuteSql',
    class: 'destructive',
    outlives: 'the statement runs to its end',
    reason: 'SQL says what happens, and can drop tables',
  },
  {
    actions:
      'elasticache:ModifyReplicationGroup elasticache:ModifyCacheCluster elasticache:DecreaseReplicaCount elasticache:TestFailover',
    class: 'destructive',
    reason: 'interrupts or empties a cache',
  },
  {
    actions: 'kms:DisableKey kms:ScheduleKeyDeletion kms:DeleteImportedKeyMaterial kms:DisconnectCustomKeyStore',
    class: 'destructive',
    reason: 'all data under the key becomes unreadable',
  },
  {
    actions:
      'autoscaling:SetDesiredCapacity autoscaling:SetInstanceHealth autoscaling:EnterStandby autoscaling:PutScheduledUpdateGroupAction autoscaling:StartInstanceRefresh',
    class: 'destructive',
    reason: 'can end all machines of a group',
  },
  {
    actions: 'application-autoscaling:RegisterScalableTarget application-autoscaling:PutScheduledAction',
    class: 'destructive',
    outlives: 'the schedule stays',
    reason: 'can scale a service to nothing',
  },
  {
    actions:
      'ec2:ModifyVolume ec2:ModifyVpcAttribute ec2:ReplaceRoute ec2:ReplaceRouteTableAssociation ec2:ModifySubnetAttribute',
    class: 'destructive',
    reason: 'interrupts a network or disk',
  },
  { actions: 'ec2:RebootInstances ec2:ModifyInstancePlacement', class: 'destructive', reason: 'interrupts a machine' },
  {
    actions: 'cloudformation:UpdateTerminationProtection cloudformation:SetStackPolicy',
    class: 'permissions',
    reason: 'takes away what protects a stack from deletion',
  },
  {
    actions:
      'elasticloadbalancing:ModifyListener elasticloadbalancing:ModifyRule elasticloadbalancing:SetRulePriorities elasticloadbalancing:ModifyLoadBalancerAttributes elasticloadbalancing:ModifyTargetGroup',
    class: 'destructive',
    reason: 'sends traffic elsewhere, or takes away logs and deletion protection',
  },
  {
    actions: 'lambda:PutFunctionConcurrency',
    class: 'destructive',
    reason: 'a concurrency of nought stops the function',
  },
  {
    actions: 'kinesis:DecreaseStreamRetentionPeriod kinesis:UpdateShardCount kinesis:MergeShards',
    class: 'destructive',
    reason: 'expires records early or interrupts readers',
  },
  {
    actions:
      'secretsmanager:PutSecretValue secretsmanager:UpdateSecret secretsmanager:UpdateSecretVersionStage secretsmanager:RotateSecret',
    class: 'destructive',
    flags: ['secret'],
    reason: 'whatever uses the secret stops working; rotation runs code',
  },
  {
    actions:
      'backup:UpdateRecoveryPointLifecycle backup:UpdateBackupPlan backup:StartRestoreJob backup:PutBackupVaultLockConfiguration',
    class: 'destructive',
    reason: 'expires or overwrites what a recovery needs',
  },
  {
    actions:
      'organizations:CloseAccount organizations:LeaveOrganization organizations:RemoveAccountFromOrganization organizations:DeleteOrganization account:CloseAccount account:DisableRegion',
    class: 'escalation',
    reason: "ends an account, or takes it out of the organisation's control",
  },
  { actions: 'apigateway:DELETE', class: 'destructive', reason: 'the verb is the whole name' },
  {
    actions: 'apigateway:PUT apigateway:PATCH apigateway:POST',
    class: 'permissions',
    flags: ['shares'],
    reason: 'one verb covers authorizers and resource policies too',
  },
  {
    actions: 'es:ESHttpPost es:ESHttpPut es:ESHttpPatch aoss:APIAccessAll',
    class: 'destructive',
    reason: 'a POST can be a delete by query',
  },
  {
    actions: 'neptune-db:connect',
    class: 'write',
    reason: "the rights inside the database are not IAM's alone",
  },
  {
    actions: 'sqs:ReceiveMessage',
    class: 'write',
    reason: 'hides messages from other readers; AWS lists it as a read',
  },

  // Can hide traces
  {
    actions:
      'cloudtrail:StopLogging cloudtrail:DeleteTrail cloudtrail:UpdateTrail cloudtrail:PutEventSelectors cloudtrail:PutInsightSelectors cloudtrail:DeleteEventDataStore cloudtrail:UpdateEventDataStore cloudtrail:StopEventDataStoreIngestion cloudtrail:PutResourcePolicy',
    class: 'permissions',
    flags: ['audit'],
    reason: 'without the trail nobody sees what was done; AWS calls it a plain write',
  },
  {
    actions:
      'config:DeleteConfigurationRecorder config:StopConfigurationRecorder config:DeleteDeliveryChannel config:PutConfigurationRecorder config:PutDeliveryChannel config:DeleteConfigRule config:DeleteRetentionConfiguration config:PutRetentionConfiguration',
    class: 'destructive',
    flags: ['audit'],
    reason: 'stops or redirects the record of configuration',
  },
  {
    actions:
      'guardduty:DeleteDetector guardduty:UpdateDetector guardduty:StopMonitoringMembers guardduty:DisassociateMembers guardduty:DisassociateFrom* guardduty:CreateFilter guardduty:UpdateFilter guardduty:CreateIPSet guardduty:UpdateIPSet guardduty:ArchiveFindings guardduty:DeletePublishingDestination',
    class: 'destructive',
    flags: ['audit'],
    reason: 'turns threat detection off, or makes it look away',
  },
  {
    actions:
      'securityhub:DisableSecurityHub securityhub:BatchDisableStandards securityhub:UpdateStandardsControl securityhub:BatchUpdateFindings securityhub:CreateAutomationRule inspector2:Disable inspector2:CreateFilter macie2:DisableMacie macie2:CreateFindingsFilter detective:DeleteGraph access-analyzer:DeleteAnalyzer access-analyzer:CreateArchiveRule',
    class: 'destructive',
    flags: ['audit'],
    reason: 'turns findings off or hides them',
  },
  {
    actions:
      'logs:DeleteLogGroup logs:DeleteLogStream logs:PutRetentionPolicy logs:DeleteSubscriptionFilter logs:PutDataProtectionPolicy logs:DisassociateKmsKey',
    class: 'destructive',
    flags: ['audit'],
    reason: 'removes or shortens logs',
  },
  {
    actions: 'logs:DeleteRetentionPolicy logs:PutMetricFilter logs:DeleteMetricFilter',
    flags: ['audit'],
    reason: 'changes what alarms see',
  },
  {
    actions:
      'cloudwatch:DeleteAlarms cloudwatch:DisableAlarmActions cloudwatch:SetAlarmState cloudwatch:PutMetricAlarm events:DisableRule events:DeleteRule events:RemoveTargets',
    flags: ['audit'],
    reason: 'keeps an alarm from being heard',
  },
  {
    actions:
      'ec2:DeleteFlowLogs s3:PutBucketLogging s3:PutBucketNotification s3:PutInventoryConfiguration wafv2:DeleteLoggingConfiguration wafv2:PutLoggingConfiguration route53resolver:DisassociateResolverQueryLogConfig route53resolver:DeleteResolverQueryLogConfig rds:StopActivityStream rds:ModifyActivityStream redshift:DisableLogging',
    class: 'destructive',
    flags: ['audit'],
    reason: 'stops or redirects a log',
  },
  {
    actions:
      'wafv2:DisassociateWebACL wafv2:UpdateWebACL wafv2:DeleteWebACL shield:DeleteProtection network-firewall:UpdateFirewallPolicy',
    class: 'permissions',
    flags: ['audit'],
    reason: 'opens what a firewall keeps shut',
  },
  // Found by going through the table for what AWS calls a plain write or read and an attacker would not
  {
    actions:
      'lakeformation:GetTemporaryGlueTableCredentials lakeformation:GetTemporaryGluePartitionCredentials lakeformation:GetDataAccess datazone:GetDomainExecutionRoleCredentials datazone:GetEnvironmentCredentials deadline:AssumeFleetRoleForRead deadline:AssumeFleetRoleForWorker deadline:AssumeQueueRoleForRead deadline:AssumeQueueRoleForUser deadline:AssumeQueueRoleForWorker cloudwatch:GetSpaceCredentials cloudwatch:GetSpaceCredentialsForOrganization finspace-api:GetProgrammaticAccessCredentials',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the credentials live their own time',
    reason: 'hands out credentials of another role; AWS calls most of them reads',
  },
  {
    actions:
      'signin:CreateOAuth2Token signin:AuthorizeOAuth2Access sso-oauth:CreateTokenWithIAM sso-directory:CreateBearerToken q:CreateScimAccessToken aidevops:CreateAccessToken aidevops:RotateAccessToken aidevops:GetAccessToken amplifybackend:CreateToken amplifybackend:GetToken license-manager:GetAccessToken redshift:GetIdentityCenterAuthToken redshift-serverless:GetIdentityCenterAuthToken connect:AdminGetEmergencyAccessToken cloud9:CreateEnvironmentToken gamelift:GetComputeAuthToken bedrock-agentcore:GetResourcePaymentToken bedrock-agentcore:CompleteResourceTokenAuth',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the token is honoured until it expires',
    reason: 'mints a token with which to act as somebody',
  },
  {
    actions:
      'codeconnections:GetConnectionToken codeconnections:GetIndividualAccessToken codestar-connections:GetConnectionToken codestar-connections:GetIndividualAccessToken lightsail:GetBucketAccessKeys events:RetrieveConnectionCredentials codepipeline:PollForJobs codepipeline:GetJobDetails quicksight:GetAuthCode quicksight:GetAnonymousUserEmbedUrl kinesisanalytics:CreateApplicationPresignedUrl athena:CreatePresignedNotebookUrl elasticmapreduce:GetOnClusterAppUIPresignedURL elasticmapreduce:GetPersistentAppUIPresignedURL emr-serverless:GetSessionEndpoint',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the credential or link works until it expires',
    reason: 'returns a credential or a signed link of somebody else',
  },
  {
    actions:
      'states:RevealSecrets wafv2:GetDecryptedAPIKey glue:GetConnection glue:GetConnections cognito-idp:DescribeUserPoolClient cognito-idp:AddUserPoolClientSecret ec2:GetVpnConnectionDeviceSampleConfiguration pca-connector-scep:GetChallengePassword acm:GetAcmeExternalAccountBindingCredentials route53globalresolver:GetAccessToken route53globalresolver:CreateAccessToken sagemaker:CreateHubContentPresignedUrls logs:Unmask',
    flags: ['secret'],
    reason: 'the answer holds a password, a key or what was masked',
  },
  {
    actions: 'kms:GenerateMac',
    flags: ['secret'],
    outlives: 'the MAC stays valid',
    reason: 'as kms:Sign: what is made with the key is honoured later',
  },
  {
    actions: 'cloudshell:CreateSession cloudshell:PutCredentials cloudshell:GetFileDownloadUrls',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the shell keeps its credentials',
    reason: 'a shell in the account, or credentials and files of one',
  },
  {
    actions:
      'bedrock-agentcore:CreateAgentRuntime bedrock-agentcore:UpdateAgentRuntime bedrock-agentcore:InvokeAgentRuntimeCommand bedrock-agentcore:CreateCodeInterpreter bedrock-agentcore:StartCodeInterpreterSession bedrock-agentcore:InvokeCodeInterpreter bedrock-agentcore:CreateBrowser bedrock-agentcore:StartBrowserSession bedrock-agentcore:ConnectBrowserAutomationStream bedrock-agentcore:CreateGateway bedrock-agentcore:UpdateGateway bedrock-agentcore:CreateGatewayTarget bedrock-agentcore:UpdateGatewayTarget',
    class: 'escalation',
    outlives: 'what runs keeps its execution role',
    reason: 'runs code, or drives a browser, with the execution role',
  },
  {
    actions:
      'bedrock-agentcore:CreateOauth2CredentialProvider bedrock-agentcore:UpdateOauth2CredentialProvider bedrock-agentcore:CreateApiKeyCredentialProvider bedrock-agentcore:UpdateApiKeyCredentialProvider bedrock-agentcore:SetTokenVaultCMK bedrock-agentcore:CreatePolicy bedrock-agentcore:UpdatePolicy bedrock-agentcore:UpdatePolicyEngine',
    class: 'permissions',
    reason: 'decides what other agents may do, and as whom',
  },
  {
    actions: 'bedrock:InvokeInlineAgent',
    class: 'escalation',
    reason: 'the caller writes the agent, its tools too; AWS calls it a read',
  },
  {
    actions: 'bedrock:CreateFlow bedrock:UpdateFlow',
    class: 'escalation',
    outlives: 'the flow keeps its role',
    reason: 'runs steps with the role of the flow',
  },
  {
    actions: 'bedrock:UpdateGuardrail',
    class: 'permissions',
    reason: 'takes a safeguard away as a delete would',
  },
  {
    actions: 'bedrock:PutModelInvocationLoggingConfiguration',
    class: 'destructive',
    flags: ['audit'],
    reason: 'stops or redirects the record of model calls',
  },
  {
    actions:
      'sso-directory:AddMemberToGroup sso-directory:CreateUser sso-directory:UpdatePassword sso-directory:UpdateUser',
    class: 'escalation',
    outlives: 'the membership stays',
    reason: 'as identitystore: a user or a group that is assigned to accounts',
  },
  {
    actions:
      'sso:CreateTrust sso:UpdateTrust sso:CreateTrustedTokenIssuer sso:UpdateTrustedTokenIssuer sso:CreateInstanceAccessControlAttributeConfiguration sso:UpdateInstanceAccessControlAttributeConfiguration sso:PutApplicationAssignmentConfiguration',
    class: 'escalation',
    outlives: 'the trust stays',
    reason: 'decides who can sign in and what their attributes open',
  },
  {
    actions:
      'cognito-idp:CreateIdentityProvider cognito-idp:UpdateIdentityProvider cognito-idp:UpdateUserPool cognito-idp:UpdateUserPoolClient cognito-idp:CreateUserPoolClient cognito-idp:AdminUpdateUserAttributes cognito-idp:AdminSetUserMFAPreference cognito-idp:AdminLinkProviderForUser',
    class: 'escalation',
    outlives: 'the setting stays',
    reason: 'decides who can sign in to the pool, and as whom',
  },
  {
    actions:
      'quicksight:CreateUser quicksight:RegisterUser quicksight:UpdateUser quicksight:CreateGroupMembership quicksight:CreateIAMPolicyAssignment quicksight:UpdateIAMPolicyAssignment mq:CreateUser mq:UpdateUser elasticache:CreateUser elasticache:ModifyUser elasticache:ModifyUserGroup memorydb:CreateUser memorydb:UpdateUser',
    class: 'permissions',
    outlives: 'the user stays',
    reason: 'makes a user of the service, or gives one more',
  },
  {
    actions: 'elasticache:Connect memorydb:connect dsql:DbConnect',
    class: 'permissions',
    flags: ['secret'],
    outlives: 'the connection outlives the token',
    reason: 'as rds-db:connect: what happens behind it IAM does not see',
  },
  {
    actions: 'dsql:DbConnectAdmin',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the connection outlives the token',
    reason: 'signs in as the administrator of the database',
  },
  {
    actions: 'account:StartPrimaryEmailUpdate account:AcceptPrimaryEmailUpdate',
    class: 'escalation',
    outlives: 'the address stays',
    reason: 'whoever has the address can reset the root password',
  },
  {
    actions: 'account:PutAlternateContact account:DeleteAlternateContact',
    class: 'permissions',
    flags: ['audit'],
    reason: 'warnings about abuse go elsewhere',
  },
  {
    actions:
      'account:EnableRegion billing:UpdateIamAccessPreference organizations:AcceptHandshake organizations:EnablePolicyType iam:CreateAccountAlias',
    class: 'permissions',
    reason: 'changes what the whole account is, or whose',
  },
  {
    actions: 'ssm:ExecuteAPI',
    class: 'escalation',
    reason: 'runs another API; AWS calls it a read',
  },
  {
    actions: 'ssm:CreateDocument',
    class: 'escalation',
    outlives: 'the document stays',
    reason: 'what others run by its name; AWS calls it a plain write',
  },
  {
    actions: 'ssm:UpdateServiceSetting ssm:ResetServiceSetting',
    class: 'permissions',
    flags: ['audit'],
    reason: 'default roles, public sharing and logging of the account',
  },
  {
    actions: 'config:PutRemediationConfigurations config:StartRemediationExecution',
    class: 'escalation',
    outlives: 'the remediation stays',
    reason: 'runs an automation with its role',
  },
  {
    actions:
      'config:PutConfigRule cloudtrail:PutEventConfiguration securityhub:UpdateSecurityControl securityhub:UpdateConfigurationPolicy guardduty:CreateTrustedEntitySet guardduty:UpdateTrustedEntitySet guardduty:UpdatePublishingDestination guardduty:UpdateMalwareScanSettings guardduty:UpdateOrganizationConfiguration logs:PutTransformer iot:SetV2LoggingLevel iot:SetV2LoggingOptions iot:SetLoggingOptions',
    class: 'destructive',
    flags: ['audit'],
    reason: 'makes a detector look away, or a log say less',
  },
  {
    actions:
      'logs:PutDeliveryDestinationPolicy dsql:PutClusterPolicy kafka:PutClusterPolicy appmesh:PutMeshPolicy aiops:PutInvestigationGroupPolicy lex:CreateResourcePolicyStatement mediaconvert:PutPolicy mediapackagev2:PutChannelPolicy mediapackagev2:PutOriginEndpointPolicy oam:PutSinkPolicy rekognition:PutProjectPolicy resource-groups:PutGroupPolicy route53profiles:PutProfilePolicy sagemaker:PutModelPackageGroupPolicy sagemaker:PutLineageGroupPolicy serverlessrepo:PutApplicationPolicy signin:PutResourcePermissionStatement ssm-contacts:PutContactPolicy aoss:CreateSecurityPolicy aoss:UpdateSecurityPolicy ec2:ModifyVerifiedAccessEndpointPolicy ec2:ModifyVerifiedAccessGroupPolicy',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the policy stays',
    reason: 'a resource policy under another name; AWS calls it a plain write',
  },
  {
    actions:
      'verifiedpermissions:CreatePolicy verifiedpermissions:UpdatePolicy verifiedpermissions:CreatePolicyTemplate verifiedpermissions:UpdatePolicyTemplate verifiedpermissions:PutSchema kendra:CreateAccessControlConfiguration kendra:UpdateAccessControlConfiguration kendra:PutPrincipalMapping qbusiness:AssociatePermission qldb:UpdateLedgerPermissionsMode servicecatalog:AssociatePrincipalWithPortfolio fms:PutPolicy ds:CreateTrust ds:UpdateTrust ds:AcceptSharedDirectory lakeformation:AddLFTagsToResource lakeformation:RemoveLFTagsFromResource lakeformation:UpdateLFTag glue:PutDataCatalogEncryptionSettings cloudfront:UpdateKeyGroup backup:UpdateGlobalSettings lambda:UpdateCodeSigningConfig',
    class: 'permissions',
    outlives: 'the rule stays',
    reason: 'decides who may do what inside the service',
  },
  {
    actions:
      'ec2:AuthorizeSecurityGroupEgress ec2:AuthorizeClientVpnIngress ec2:CreateClientVpnEndpoint ec2:CreateClientVpnRoute ec2:CreateVpnConnection ec2:CreateRoute ec2:CreateTrafficMirrorSession ec2:ModifyVpcEndpointServiceConfiguration ec2:ModifyNetworkInterfaceAttribute ec2:EnableSerialConsoleAccess ec2:ModifyVpcBlockPublicAccessOptions ec2:CreateVpcBlockPublicAccessExclusion ec2:ModifyVpcBlockPublicAccessExclusion lightsail:PutInstancePublicPorts eks:UpdateClusterConfig route53:CreateVPCAssociationAuthorization route53resolver:AssociateResolverRule route53resolver:UpdateResolverDnssecConfig shield:AssociateDRTRole',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the way stays open',
    reason: 'opens a way into or out of the network',
  },
  {
    actions: 'ec2:RunScheduledInstances',
    class: 'escalation',
    outlives: 'the instances run on',
    reason: "as ec2:RunInstances: user data runs with the instance's role",
  },
  {
    actions:
      'ec2:ExportImage ec2:CreateInstanceExportTask ec2:CreateStoreImageTask logs:CreateExportTask timestream:Unload s3:PutAnalyticsConfiguration backup:StartCopyJob redshift:AssociateDataShareConsumer omics:CreateShare',
    flags: ['shares'],
    outlives: 'the copy stays where it was put',
    reason: 'copies data to where other rules hold',
  },
  {
    actions: 'sns:Subscribe',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the subscription stays',
    reason: 'every message from then on goes there as well',
  },
  {
    actions:
      's3:CreateAccessPointForObjectLambda s3:PutAccessPointConfigurationForObjectLambda s3:CreateMultiRegionAccessPoint',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the access point stays',
    reason: 'a second door to the objects, or a function that sees and alters them',
  },
  {
    actions: 's3:UpdateObjectEncryption kms:ImportKeyMaterial kms:UpdateAlias kms:UpdatePrimaryRegion',
    class: 'destructive',
    reason: 'what is encrypted, or found by the alias, can be locked away',
  },
  {
    actions: 'kms:ReplicateKey',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the replica stays',
    reason: 'a replica has a key policy of its own',
  },
  {
    actions:
      'glue:UpdateJobFromSourceControl athena:StartSession athena:StartCalculationExecution airflow:UpdateEnvironment opsworks:CreateDeployment opsworks:UpdateStack sagemaker:StartSession servicecatalog:ProvisionProduct servicecatalog:UpdateProvisionedProduct servicecatalog:ExecuteProvisionedProductServiceAction cloud9:ModifyTemporaryCredentialsOnEnvironmentEC2',
    class: 'escalation',
    outlives: 'what was started runs on',
    reason: "runs code with a role that is not the caller's",
  },
  {
    actions:
      'codebuild:ImportSourceCredentials codebuild:PersistOAuthToken codebuild:CreateWebhook codebuild:UpdateWebhook codeconnections:PassConnection codestar-connections:PassConnection',
    class: 'escalation',
    outlives: 'the link to the repository stays',
    reason: 'whoever writes there decides what builds run',
  },
  {
    actions: 'codeconnections:UseConnection codestar-connections:UseConnection',
    level: 'write',
    flags: ['secret'],
    reason: 'reaches every repository of the connection; AWS calls it a read',
  },
  {
    actions: 'bedrock:InvokeAgent bedrock:InvokeFlow',
    level: 'write',
    outlives: 'what was started runs on',
    reason: 'the agent or flow acts with its own role; AWS calls it a read',
  },
  {
    actions:
      'iot:UpdateCertificate iot:RegisterCACertificate iot:UpdateCACertificate iot:CreateProvisioningTemplate iot:CreateProvisioningTemplateVersion iot:CreateAuthorizer iot:UpdateAuthorizer iot:SetDefaultAuthorizer',
    class: 'escalation',
    outlives: 'the certificate or authorizer stays',
    reason: 'decides which devices are let in, and as whom',
  },
  {
    actions: 'iot:CreateJob iot:OpenTunnel iot:RotateTunnelAccessToken',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'what was started on the device runs on',
    reason: 'runs code on devices, or opens a shell to one',
  },
  {
    actions: 'route53domains:PushDomain route53domains:RetrieveDomainAuthCode route53domains:UpdateDomainContact',
    class: 'destructive',
    flags: ['shares'],
    outlives: 'the domain stays moved',
    reason: 'with these a domain goes to somebody else',
  },
]
