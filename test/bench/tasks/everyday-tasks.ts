import { type Random, seededRandom } from './random.ts'

/** One access entry of a task, as an agent would declare it. */
export interface TaskEntry {
  readonly actions: readonly string[]
  readonly resources: readonly string[]
}

const ACCOUNT = '123456789012'
/** The role that these tasks are for. */
export const EVERYDAY_ROLE = `arn:aws:iam::${ACCOUNT}:role/stint/agent-everyday`

const REGIONS = ['eu-west-1', 'eu-central-1', 'us-east-1']
const TEAMS = ['payments', 'checkout', 'data', 'platform', 'search', 'growth', 'ml', 'billing-and-invoicing']
const STAGES = ['dev', 'staging', 'test', 'qa']
const THINGS = [
  'api',
  'worker',
  'orders',
  'invoices',
  'events',
  'sessions',
  'customer-exports',
  'audit-log',
  'importer',
]

/** Names of resources as teams give them. */
interface Names {
  readonly random: Random
  readonly region: string
  /** e.g. `payments-staging-orders` */
  name(): string
}

type Shape = (names: Names) => readonly TaskEntry[]

const spread = (actions: string): string[] => {
  const [service = '', names = ''] = actions.split(':')
  return names.split(' ').map((name) => `${service}:${name}`)
}
const arn = ({ region }: Names, service: string, resource: string) =>
  `arn:aws:${service}:${region}:${ACCOUNT}:${resource}`
const several = <T>(names: Names, most: number, make: () => T): readonly T[] =>
  Array.from({ length: names.random.between(1, most) }, make)
const hex = ({ random }: Names, length: number) =>
  Array.from({ length }, () => '0123456789abcdef'[random.between(0, 15)]).join('')

/** Pieces of common work. Each is sound by itself: every action of an entry takes one of its resources. */
const SHAPES: readonly Shape[] = [
  // Amazon S3 User Guide, "Identity-based policy examples": list a bucket, read or write a prefix of it.
  (names) => {
    const bucket = `arn:aws:s3:::${names.name()}`
    const keys = several(names, 3, () => `${bucket}/${names.random.one(THINGS)}/${names.random.between(2023, 2026)}/*`)
    const actions = names.random.chance(0.5)
      ? spread('s3:GetObject GetObjectTagging GetObjectVersion')
      : spread('s3:GetObject PutObject DeleteObject AbortMultipartUpload ListMultipartUploadParts PutObjectTagging')
    return [
      { actions: ['s3:ListBucket', 's3:GetBucketLocation'], resources: [bucket] },
      { actions: names.random.some(actions, 2), resources: keys },
    ]
  },
  // Amazon DynamoDB Developer Guide, "Using IAM policy conditions": a table and its indexes.
  (names) => {
    const tables = several(names, 3, () => arn(names, 'dynamodb', `table/${names.name()}`))
    const reads = spread('dynamodb:GetItem BatchGetItem Query Scan DescribeTable ConditionCheckItem')
    const writes = spread('dynamodb:PutItem UpdateItem DeleteItem BatchWriteItem')
    const actions = [...names.random.some(reads, 3), ...(names.random.chance(0.5) ? names.random.some(writes) : [])]
    const indexes = tables.map((table) => `${table}/index/*`)
    return [
      { actions, resources: tables },
      ...(names.random.chance(0.6) ? [{ actions: ['dynamodb:Query', 'dynamodb:Scan'], resources: indexes }] : []),
    ]
  },
  // AWS Lambda Developer Guide, "Deploy a function", with its role, its code and its log group.
  (names) => {
    const name = names.name()
    const functionArn = arn(names, 'lambda', `function:${name}`)
    const deploy = spread(
      'lambda:GetFunction GetFunctionConfiguration UpdateFunctionCode UpdateFunctionConfiguration PublishVersion UpdateAlias CreateAlias GetAlias ListVersionsByFunction TagResource',
    )
    return [
      { actions: names.random.some(deploy, 4), resources: [functionArn, `${functionArn}:*`] },
      { actions: ['iam:PassRole'], resources: [`arn:aws:iam::${ACCOUNT}:role/${name}-execution`] },
      ...(names.random.chance(0.5)
        ? [{ actions: ['s3:GetObject'], resources: [`arn:aws:s3:::${names.name()}-artifacts/${name}/*`] }]
        : []),
    ]
  },
  // The HashiCorp documentation of the S3 backend: state, lock table and key.
  (names) => {
    const bucket = `arn:aws:s3:::${names.random.one(TEAMS)}-terraform-state`
    return [
      { actions: ['s3:ListBucket'], resources: [bucket] },
      { actions: spread('s3:GetObject PutObject DeleteObject'), resources: [`${bucket}/${names.name()}/*`] },
      {
        actions: spread('dynamodb:GetItem PutItem DeleteItem DescribeTable'),
        resources: [arn(names, 'dynamodb', 'table/terraform-locks')],
      },
      {
        actions: spread('kms:Decrypt Encrypt GenerateDataKey'),
        resources: [
          arn(
            names,
            'kms',
            `key/${hex(names, 8)}-${hex(names, 4)}-4${hex(names, 3)}-a${hex(names, 3)}-${hex(names, 12)}`,
          ),
        ],
      },
    ]
  },
  // The reads of a Terraform plan of a network and its machines.
  (names) => [
    {
      actions: names.random.some(
        spread(
          'ec2:DescribeVpcs DescribeSubnets DescribeRouteTables DescribeSecurityGroups DescribeSecurityGroupRules DescribeInternetGateways DescribeNatGateways DescribeNetworkAcls DescribeInstances DescribeInstanceTypes DescribeVolumes DescribeImages DescribeLaunchTemplates DescribeAddresses DescribeAvailabilityZones DescribeNetworkInterfaces DescribeTags DescribeAccountAttributes',
        ),
        6,
      ),
      resources: ['*'],
    },
    ...(names.random.chance(0.5)
      ? [
          {
            actions: names.random.some(
              spread(
                'elasticloadbalancing:DescribeLoadBalancers DescribeTargetGroups DescribeListeners DescribeRules DescribeTags DescribeTargetHealth DescribeLoadBalancerAttributes DescribeTargetGroupAttributes',
              ),
              3,
            ),
            resources: ['*'],
          },
        ]
      : []),
  ],
  // Terraform apply of security groups and tags in one network.
  (names) => [
    {
      actions: names.random.some(
        spread(
          'ec2:AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress ModifySecurityGroupRules CreateTags DeleteTags',
        ),
        3,
      ),
      resources: several(names, 4, () => arn(names, 'ec2', `security-group/sg-0${hex(names, 16)}`)),
    },
  ],
  // Amazon EC2 User Guide, "Example policies": stop, start and look at named machines.
  (names) => [
    {
      actions: names.random.some(spread('ec2:StopInstances StartInstances RebootInstances'), 2),
      resources: several(names, 6, () => arn(names, 'ec2', `instance/i-0${hex(names, 16)}`)),
    },
    { actions: ['ec2:DescribeInstances', 'ec2:DescribeInstanceStatus'], resources: ['*'] },
  ],
  // Amazon CloudWatch User Guide: metrics, alarms, and the log groups of a service.
  (names) => [
    { actions: spread('cloudwatch:GetMetricData ListMetrics GetMetricStatistics DescribeAlarms'), resources: ['*'] },
    {
      actions: names.random.some(spread('logs:FilterLogEvents GetLogEvents DescribeLogStreams StartQuery'), 2),
      resources: several(names, 3, () => arn(names, 'logs', `log-group:/aws/lambda/${names.name()}:*`)),
    },
  ],
  // Amazon RDS User Guide: look at a database, take a snapshot, change it.
  (names) => {
    const database = names.name()
    return [
      {
        actions: names.random.some(
          spread('rds:DescribeDBInstances ModifyDBInstance RebootDBInstance ListTagsForResource'),
          2,
        ),
        resources: [arn(names, 'rds', `db:${database}`)],
      },
      ...(names.random.chance(0.6)
        ? [
            {
              actions: ['rds:CreateDBSnapshot', 'rds:DescribeDBSnapshots'],
              resources: [arn(names, 'rds', `db:${database}`), arn(names, 'rds', `snapshot:${database}-*`)],
            },
          ]
        : []),
    ]
  },
  // Amazon SQS and Amazon SNS Developer Guides: consume, redrive, publish.
  (names) => [
    {
      actions: names.random.some(
        spread('sqs:ReceiveMessage DeleteMessage SendMessage GetQueueAttributes GetQueueUrl ChangeMessageVisibility'),
        3,
      ),
      resources: several(names, 3, () => arn(names, 'sqs', names.name())),
    },
    ...(names.random.chance(0.6)
      ? [{ actions: ['sns:Publish', 'sns:GetTopicAttributes'], resources: [arn(names, 'sns', names.name())] }]
      : []),
  ],
  // AWS KMS Developer Guide, "Key policies for services": use of named keys.
  (names) => [
    {
      actions: names.random.some(
        spread('kms:Decrypt Encrypt GenerateDataKey DescribeKey ReEncryptFrom ReEncryptTo'),
        2,
      ),
      resources: several(names, 2, () =>
        arn(
          names,
          'kms',
          `key/${hex(names, 8)}-${hex(names, 4)}-4${hex(names, 3)}-b${hex(names, 3)}-${hex(names, 12)}`,
        ),
      ),
    },
  ],
  // Amazon ECS Developer Guide, "Deploy a service": new task definition, its roles, the service, the image.
  (names) => {
    const cluster = names.random.one(TEAMS)
    const service = names.name()
    return [
      {
        actions: names.random.some(spread('ecs:UpdateService DescribeServices ListServiceDeployments'), 2),
        resources: [arn(names, 'ecs', `service/${cluster}/${service}`)],
      },
      { actions: ['ecs:RegisterTaskDefinition'], resources: [arn(names, 'ecs', `task-definition/${service}:*`)] },
      {
        actions: ['iam:PassRole'],
        resources: [
          `arn:aws:iam::${ACCOUNT}:role/${service}-task`,
          `arn:aws:iam::${ACCOUNT}:role/${service}-execution`,
        ],
      },
      ...(names.random.chance(0.5)
        ? [
            {
              actions: spread('ecr:BatchGetImage BatchCheckLayerAvailability GetDownloadUrlForLayer DescribeImages'),
              resources: [arn(names, 'ecr', `repository/${service}`)],
            },
          ]
        : []),
    ]
  },
  // The reads of an access review.
  (names) => [
    {
      actions: names.random.some(
        spread(
          'iam:GetRole GetRolePolicy ListRolePolicies ListAttachedRolePolicies ListRoleTags ListInstanceProfilesForRole',
        ),
        3,
      ),
      resources: several(names, 4, () => `arn:aws:iam::${ACCOUNT}:role/${names.name()}`),
    },
  ],
  // AWS Systems Manager User Guide, "Restricting access to Parameter Store".
  (names) => [
    {
      actions: names.random.some(spread('ssm:GetParameter GetParameters GetParametersByPath PutParameter'), 2),
      resources: several(names, 2, () => arn(names, 'ssm', `parameter/${names.random.one(STAGES)}/${names.name()}/*`)),
    },
  ],
  // Amazon EventBridge and AWS Step Functions Developer Guides.
  (names) => [
    {
      actions: names.random.some(spread('states:StartExecution DescribeStateMachine ListExecutions'), 2),
      resources: [arn(names, 'states', `stateMachine:${names.name()}`)],
    },
    ...(names.random.chance(0.5)
      ? [
          {
            actions: names.random.some(
              spread('events:PutRule PutTargets DescribeRule EnableRule DisableRule ListTargetsByRule'),
              3,
            ),
            resources: [arn(names, 'events', `rule/${names.name()}`)],
          },
        ]
      : []),
  ],
]

/** The shares of tasks by number of access entries: most are small, a few are a whole deployment. */
const ENTRIES: readonly number[] = [1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 10, 12]

/**
 * Random tasks of the shapes that teams have, with 1 to 12 access entries.
 *
 * @param count of tasks; the first ones are the same whatever the count.
 */
export function* everydayTasks(seed: number, count: number): Generator<readonly TaskEntry[]> {
  const random = seededRandom(seed)
  for (let made = 0; made < count; made += 1) {
    const team = random.one(TEAMS)
    const names: Names = {
      random,
      region: random.one(REGIONS),
      name: () => `${team}-${random.one(STAGES)}-${random.one(THINGS)}`,
    }
    const wanted = random.one(ENTRIES)
    const entries: TaskEntry[] = []
    while (entries.length < wanted) entries.push(...random.one(SHAPES)(names))
    yield entries.slice(0, wanted)
  }
}
