/** The next step of an action: what its effect, or the code that it starts, can do that the session itself cannot. */
export interface OnwardRow {
  readonly action: string
  /** The actor of that step, and whose permissions it has; completes `… on <resource>: `. */
  readonly step: string
  /** Where AWS says so. */
  readonly source: string
}

const LAMBDA = 'AWS Lambda Developer Guide, "Defining Lambda function permissions with an execution role"'
const SSM = 'AWS Systems Manager User Guide, "Configure instance permissions required for Systems Manager"'
const ECS = 'Amazon ECS Developer Guide, "Amazon ECS task IAM role"'
const STACK = 'AWS CloudFormation User Guide, "AWS CloudFormation service role"'
const BUILD = 'AWS CodeBuild User Guide, "Allow CodeBuild to interact with other AWS services"'
const GLUE = 'AWS Glue Developer Guide, "Create an IAM role for AWS Glue"'
const KEYS = 'IAM User Guide, "Manage access keys for IAM users"'
const POLICIES = 'IAM User Guide, "Policies and permissions in AWS Identity and Access Management"'
const TRUST = 'IAM User Guide, "Update a role trust policy"'

const row = (action: string, step: string, source: string): OnwardRow => ({ action, step, source })

/**
 * One step only, and no claim to be complete: the actions that are known for it, each with its source. `iam:PassRole` is apart,
 * since it does nothing without an action that takes the role.
 */
export const ONWARD: ReadonlyMap<string, OnwardRow> = new Map(
  [
    row(
      'sts:AssumeRole',
      'a session of that role, with all that its own policies allow',
      'IAM User Guide, "Role chaining"',
    ),
    row('lambda:UpdateFunctionCode', "code of the agent runs with the function's execution role", LAMBDA),
    row('lambda:InvokeFunction', "the function's code runs with its execution role", LAMBDA),
    row('lambda:AddPermission', 'others may invoke the function', LAMBDA),
    row('ssm:SendCommand', "commands run on the instance, with its instance profile's role", SSM),
    row('ssm:StartSession', "a shell on the instance, with its instance profile's role", SSM),
    row('ssm:StartAutomationExecution', "the automation runs with the role that it assumes, or the caller's", SSM),
    row(
      'ec2-instance-connect:SendSSHPublicKey',
      "a shell on the instance, with its instance profile's role",
      'Amazon EC2 User Guide, "EC2 Instance Connect"',
    ),
    row('ecs:ExecuteCommand', "commands run in the container, with the task's role", ECS),
    row('ecs:RunTask', 'the task runs with the roles of its task definition', ECS),
    row(
      'codebuild:StartBuild',
      "a build runs with the project's service role, by a build file that the caller may replace",
      BUILD,
    ),
    row('codebuild:UpdateProject', "later builds run other commands with the project's service role", BUILD),
    row('cloudformation:UpdateStack', "resources change with the stack's role, or the caller's permissions", STACK),
    row(
      'cloudformation:ExecuteChangeSet',
      "resources change with the stack's role, or the caller's permissions",
      STACK,
    ),
    row(
      'cloudformation:DeleteStack',
      "the stack's resources are deleted with its role, or the caller's permissions",
      STACK,
    ),
    row('glue:StartJobRun', "the job's script runs with its role", GLUE),
    row('glue:UpdateJob', "another script runs with the job's role", GLUE),
    row(
      'states:StartExecution',
      'the state machine runs with its role',
      'AWS Step Functions Developer Guide, "Creating an IAM role for your state machine"',
    ),
    row(
      'states:UpdateStateMachine',
      "other steps run with the state machine's role",
      'AWS Step Functions Developer Guide, "Creating an IAM role for your state machine"',
    ),
    row('iam:CreateAccessKey', 'keys with all permissions of that user, which no lease ends', KEYS),
    row('iam:CreateLoginProfile', 'a password of that user, which no lease ends', KEYS),
    row('iam:UpdateLoginProfile', "that user's password is another", KEYS),
    row('iam:UpdateAssumeRolePolicy', 'others may assume that role, with all that its policies allow', TRUST),
    row('iam:PutRolePolicy', 'that role can be given any permission', POLICIES),
    row('iam:AttachRolePolicy', 'that role can be given any managed policy', POLICIES),
    row('iam:PutUserPolicy', 'that user can be given any permission', POLICIES),
    row('iam:AttachUserPolicy', 'that user can be given any managed policy', POLICIES),
    row('iam:PutGroupPolicy', "that group's users can be given any permission", POLICIES),
    row('iam:AttachGroupPolicy', "that group's users can be given any managed policy", POLICIES),
    row('iam:AddUserToGroup', "a user gets that group's permissions", POLICIES),
    row('iam:CreatePolicyVersion', 'whoever has that policy can be given any permission', POLICIES),
    row('iam:SetDefaultPolicyVersion', 'whoever has that policy gets the permissions of another version', POLICIES),
    row(
      'eks:CreateAccessEntry',
      "a principal gets rights inside the cluster, which AWS's policies do not limit",
      'Amazon EKS User Guide, "Grant IAM users access to Kubernetes with EKS access entries"',
    ),
  ].map((one) => [one.action, one]),
)

/** The permission that hands a role to a service. */
export const PASS_ROLE = 'iam:PassRole'

/**
 * Actions that take a passed role, by the service that then acts with it.
 *
 * @see IAM User Guide, "Grant a user permissions to pass a role to an AWS service"; Service Authorization Reference, dependent
 *   actions of each service
 */
export const TAKES_ROLE: ReadonlyMap<string, string> = new Map([
  ['lambda:CreateFunction', 'lambda.amazonaws.com'],
  ['lambda:UpdateFunctionConfiguration', 'lambda.amazonaws.com'],
  ['ec2:RunInstances', 'ec2.amazonaws.com'],
  ['ec2:AssociateIamInstanceProfile', 'ec2.amazonaws.com'],
  ['ecs:RegisterTaskDefinition', 'ecs-tasks.amazonaws.com'],
  ['ecs:RunTask', 'ecs-tasks.amazonaws.com'],
  ['cloudformation:CreateStack', 'cloudformation.amazonaws.com'],
  ['cloudformation:UpdateStack', 'cloudformation.amazonaws.com'],
  ['cloudformation:CreateChangeSet', 'cloudformation.amazonaws.com'],
  ['codebuild:CreateProject', 'codebuild.amazonaws.com'],
  ['codebuild:UpdateProject', 'codebuild.amazonaws.com'],
  ['codepipeline:CreatePipeline', 'codepipeline.amazonaws.com'],
  ['glue:CreateJob', 'glue.amazonaws.com'],
  ['glue:UpdateJob', 'glue.amazonaws.com'],
  ['glue:CreateDevEndpoint', 'glue.amazonaws.com'],
  ['sagemaker:CreateNotebookInstance', 'sagemaker.amazonaws.com'],
  ['sagemaker:CreateTrainingJob', 'sagemaker.amazonaws.com'],
  ['states:CreateStateMachine', 'states.amazonaws.com'],
  ['states:UpdateStateMachine', 'states.amazonaws.com'],
  ['scheduler:CreateSchedule', 'scheduler.amazonaws.com'],
  ['events:PutTargets', 'events.amazonaws.com'],
  ['batch:RegisterJobDefinition', 'ecs-tasks.amazonaws.com'],
  ['ssm:StartAutomationExecution', 'ssm.amazonaws.com'],
])
