import type { OverlayRow } from './row.ts'

/** Runs code of the caller's choice under a role that is there already, so that no role has to be passed. */
export const CODE_ROWS: readonly OverlayRow[] = [
  {
    actions:
      'airflow:InvokeRestApi airflow-serverless:CreateWorkflow airflow-serverless:UpdateWorkflow airflow-serverless:StartWorkflowRun',
    class: 'escalation',
    outlives: 'the workflow stays, and runs to its end',
    reason: "workflows run with the environment's role; airflow:CreateCliToken opens the same door",
  },
  {
    actions:
      'amplify:CreateApp amplify:UpdateApp amplify:CreateBranch amplify:UpdateBranch amplify:CreateBackendEnvironment amplify:CreateWebHook amplify:UpdateWebHook amplify:StartJob amplify:CreateDeployment amplify:StartDeployment apprunner:StartDeployment',
    class: 'escalation',
    outlives: 'the build or deployment runs to its end',
    reason: "a build specification runs with the app's service role, as codebuild:StartBuild does",
  },
  {
    actions:
      'appstream:CreateStreamingURL appstream:CreateImageBuilderStreamingURL appstream:CreateAppBlockBuilderStreamingURL lightsail:CreateGUISessionAccessDetails gameliftstreams:CreateStreamSessionAdminShell devicefarm:CreateTestGridUrl',
    class: 'escalation',
    flags: ['secret'],
    outlives: 'the link works until it expires, an open session stays open',
    reason: 'a signed link into a machine, and so to its role',
  },
  {
    actions: 'appsync:CreateFunction appsync:UpdateFunction appsync:CreateResolver appsync:UpdateResolver',
    class: 'escalation',
    outlives: 'the resolver stays',
    reason: "a resolver is code that runs with the data source's role",
  },
  {
    actions:
      'athena:GetSessionEndpoint glue:GetSessionEndpoint elasticmapreduce:GetSessionEndpoint emr-containers:CreateManagedEndpoint emr-serverless:AccessInteractiveEndpoints emr-serverless:AccessLivyEndpoints emr-serverless:UpdateApplication elasticmapreduce:CreateEditor elasticmapreduce:StartNotebookExecution elasticmapreduce:StartEditor',
    class: 'escalation',
    outlives: 'the session or run goes on',
    reason: 'runs notebook or Spark code with the role of the session, cluster or job',
  },
  {
    actions:
      'kinesisanalytics:CreateApplication kinesisanalytics:UpdateApplication synthetics:CreateCanary synthetics:UpdateCanary synthetics:StartCanaryDryRun gamelift:CreateFleet gamelift:UpdateScript braket:CreateJob omics:StartRun omics:StartRunBatch batch:UpdateComputeEnvironment batch:SubmitServiceJob sagemaker:CreateInferenceComponent sagemaker:UpdateInferenceComponent sagemaker:RetryPipelineExecution sagemaker:UpdatePipelineVersion lambda:CreateMicrovmImage lambda:UpdateMicrovmImage lambda:UpdateMicrovmImageVersion',
    class: 'escalation',
    outlives: 'the code stays and runs with its role',
    reason: "puts code of the caller's choice where it runs with a role; an update needs no role to be passed",
  },
  {
    actions:
      'bedrock-agentcore:CreateHarness bedrock-agentcore:UpdateHarness bedrock-agentcore:InvokeHarness bedrock-agentcore:CreateHarnessEndpoint bedrock-agentcore:UpdateHarnessEndpoint bedrock-agentcore:CreateAgentRuntimeEndpoint bedrock-agentcore:UpdateAgentRuntimeEndpoint bedrock-agentcore:InvokeAgentRuntimeCommandShell bedrock-agentcore:PassCapacityProvider',
    class: 'escalation',
    outlives: 'what runs keeps its execution role',
    reason: 'runs code, or a shell, with the execution role, or decides which version of it runs',
  },
  {
    actions:
      'bedrock:CreateAgentAlias bedrock:UpdateAgentAlias bedrock:CreateFlowAlias bedrock:UpdateFlowAlias states:CreateStateMachineAlias states:UpdateStateMachineAlias',
    class: 'escalation',
    outlives: 'the alias stays',
    reason: 'decides which version of privileged work runs, as lambda:UpdateAlias does',
  },
  {
    actions:
      'imagebuilder:CreateComponent imagebuilder:CreateImageRecipe imagebuilder:CreateContainerRecipe imagebuilder:CreateInfrastructureConfiguration imagebuilder:UpdateInfrastructureConfiguration imagebuilder:CreateWorkflow',
    class: 'escalation',
    outlives: 'later images are built with it',
    reason: 'a pipeline takes the newest version of a component and runs it on a machine with a profile',
  },
  {
    actions:
      'proton:CreateEnvironment proton:UpdateEnvironment proton:CreateService proton:UpdateService proton:CreateServiceInstance proton:UpdateServiceInstance proton:UpdateServicePipeline proton:CreateComponent proton:UpdateComponent',
    class: 'escalation',
    outlives: 'the operation runs to its end',
    reason: "deploys a template with the service's provisioning role, as servicecatalog:ProvisionProduct does",
  },
  {
    actions:
      'codecommit:MergePullRequest* codecommit:MergeBranches* codecommit:OverridePullRequestApprovalRules codecommit:UpdatePullRequestApprovalState codecommit:PutRepositoryTriggers codepipeline:EnableStageTransition codepipeline:OverrideStageCondition codepipeline:RetryStageExecution codepipeline:PutWebhook codedeploy:ContinueDeployment ssm:SendAutomationSignal',
    class: 'escalation',
    outlives: 'what was let through runs on',
    reason: 'approves, merges or lets through what a pipeline or runbook then does with its own role',
  },
  {
    actions: 'codedeploy:RegisterApplicationRevision greengrass:CreateComponentVersion gamelift:CreateBuild',
    outlives: 'the code stays for whoever deploys next',
    reason: 'code that a later deployment, which is gated, puts on machines',
  },
  {
    actions:
      'iot:StartCommandExecution iot:UpdateJob iot:RegisterThing iot:RegisterCertificateWithoutCA iot:UpdateProvisioningTemplate',
    class: 'escalation',
    outlives: 'what was started or let in stays',
    reason: 'runs something on devices, or lets one in',
  },
  {
    actions:
      'sagemaker:CreateCluster sagemaker:UpdateCluster sagemaker:CreateMonitoringSchedule sagemaker:UpdateMonitoringSchedule pcs:CreateCluster pcs:UpdateCluster pcs:CreateComputeNodeGroup pcs:UpdateComputeNodeGroup gamelift:UpdateContainerGroupDefinition m2:UpdateApplication workspaces-instances:CreateWorkspaceInstance',
    class: 'escalation',
    outlives: 'the code stays and runs with its role',
    reason: "takes scripts, an image or user data of the caller's choice, which run with a role",
  },
  {
    actions:
      'budgets:CreateBudgetAction budgets:UpdateBudgetAction budgets:ExecuteBudgetAction servicecatalog:CreateServiceAction servicecatalog:UpdateServiceAction chatbot:CreateCustomAction chatbot:UpdateCustomAction codepipeline:UpdateActionType migrationhub-orchestrator:CreateWorkflowStep migrationhub-orchestrator:UpdateWorkflowStep iotsitewise:CreateTask iotsitewise:UpdateTask',
    class: 'escalation',
    outlives: 'it acts again when it is triggered',
    reason: 'decides what a role, a server or a device does when a limit is reached or somebody presses a button',
  },
  {
    actions: 'iot:CreateCertificateProvider iot:UpdateCertificateProvider',
    class: 'escalation',
    outlives: 'the provider stays',
    reason: 'decides who signs the certificates of devices, as iot:UpdateAuthorizer decides who is let in',
  },
  {
    actions: 'pca-connector-ad:CreateTemplate pca-connector-ad:UpdateTemplate',
    class: 'permissions',
    outlives: 'the template stays',
    reason: 'decides for whom, and in whose name, the directory issues certificates',
  },
  {
    actions: 'cloudshell:ApproveCommand bedrock-agentcore:ConnectBrowserLiveViewStream',
    class: 'escalation',
    outlives: 'an open session stays open',
    reason: 'lets a command run, or drives a browser that has a role; AWS calls both reads',
  },
  {
    actions: 'kinesis:SubscribeToShard s3files:ClientMount s3files:ClientWrite s3files:ClientRootAccess',
    outlives: 'an open connection or mount stays open',
    reason: 'judged once, when it connects',
  },
  {
    actions: 'eks-mcp:CallPrivilegedTool',
    class: 'escalation',
    outlives: 'what was made in the cluster stays',
    reason: 'the tools change the cluster with rights of Kubernetes',
  },
  {
    actions: 'lambda:PutFunctionCodeSigningConfig lambda:UpdateFunctionCodeSigningConfig',
    class: 'permissions',
    reason: 'takes away the check that only signed code runs',
  },
  {
    actions:
      'cloudfront:UpdateFunction cloudfront:PublishFunction cloudfront:CopyDistribution cloudfront:AssociateAlias cloudfront:UpdateDistributionWithStagingConfig cloudfront:UpdateContinuousDeploymentPolicy cloudfront:UpdateOriginAccessControl cloudfront:UpdateCloudFrontOriginAccessIdentity cloudfront:UpdateResponseHeadersPolicy cloudfront:UpdateCachePolicy cloudfront:UpdateOriginRequestPolicy cloudfront:UpdateVpcOrigin',
    class: 'destructive',
    reason: 'every viewer runs through it; a mistake takes the site down, as cloudfront:UpdateDistribution can',
  },
  {
    actions:
      'backup-gateway:StartVirtualMachinesMetadataSync config:PutConformancePack config:PutOrganizationConformancePack config:PutServiceLinkedConfigurationRecorder dms:CreateInstanceProfile dms:CreateOutboundIntegration dms:ModifyOutboundIntegration drs:StartRecovery health-agent:CreateDomain mediastore:StartAccessLogging mgn:StartTest nimble:CreateStudio nimble:CreateStudioComponent nimble:UpdateStudio nimble:UpdateStudioComponent pcs:CreateComputeNodeGroup pcs:UpdateComputeNodeGroup proton:UpdateAccountRoles sagemaker:CreateEdgeDeploymentStage sagemaker:UpdateClusterInference sns:CreatePlatformApplication transfer:CreateConnector transfer:UpdateAgreement transfer:UpdateConnector transfer:UpdateWebAppCustomization ts:StartExecution',
    outlives: 'the service keeps the role that was passed',
    reason: 'AWS asks for iam:PassRole with it, though its model names no role',
  },
]
