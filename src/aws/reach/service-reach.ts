/**
 * Which account the resources of a service can be in, as seen by a role: needed to say what `*` can reach. A service that is
 * not here can reach every account, and by an action that takes nothing narrower than `*` the resources of every service:
 * that is the safe reading where a label forbids.
 *
 * @see IAM User Guide, "AWS services that work with IAM", column resource-based policies; AWS RAM User Guide, "Shareable AWS
 *   resources"
 */
export interface ServiceReach {
  /**
   * `own`: the resources are the role's own account's. `any`: a resource policy can let the role at those of another account.
   */
  readonly account: 'own' | 'any'
  /** Resource types of an `own` service that accounts share with each other, so that they may be another account's. */
  readonly shared?: ReadonlySet<string>
}

const OWN = words(`
  acm apigateway application-autoscaling athena autoscaling batch ce cloudfront cloudwatch codebuild codedeploy codepipeline
  cognito-identity cognito-idp dms ecs eks elasticache elasticbeanstalk elasticloadbalancing elasticmapreduce firehose fsx iam
  memorydb mq rds redshift route53 states
`)

/** Services with resource policies, whose lists (`lambda:ListFunctions`) still show the role's own account alone. */
const ANY = words(`
  dynamodb ecr elasticfilesystem es events glue kinesis kms lambda logs s3 secretsmanager sns sqs sts
`)

/** @see AWS RAM User Guide, "Shareable AWS resources"; Amazon RDS User Guide, "Sharing a DB snapshot" */
const SHARED: Readonly<Record<string, ReadonlySet<string>>> = {
  ec2: words(`
    capacity-reservation coip-pool customer-owned-ip-pool dedicated-host host-reservation image ipam-pool ipam
    ipam-resource-discovery local-gateway-route-table local-gateway local-gateway-route-table-vpc-association placement-group
    prefix-list security-group snapshot subnet traffic-mirror-target transit-gateway transit-gateway-multicast-domain
    verified-access-group vpc vpc-endpoint-service
  `),
  rds: words('cluster cluster-snapshot snapshot'),
  elasticloadbalancing: words('truststore'),
  codebuild: words('project report-group'),
  fsx: words('volume snapshot'),
  redshift: words('datashare namespace snapshot'),
  'cognito-idp': words('webacl'),
  apigateway: words('PrivateDomainName DomainNameAccessAssociation'),
}

/** ARNs without an account that are AWS's own, and no customer's: `arn:aws:ssm:eu-west-1::document/AWS-RunShellScript`. */
const OWNED_BY_AWS = words('bedrock elasticbeanstalk geo-maps geo-places geo-routes personalize ssm')

/** Undefined for a service that nobody has looked at. */
export function serviceReach(service: string): ServiceReach | undefined {
  if (ANY.has(service)) return { account: 'any' }
  const shared = SHARED[service]
  return OWN.has(service) || service === 'ec2' ? { account: 'own', ...(shared && { shared }) } : undefined
}

/** The owner of a resource whose ARN names no account: the role's own account's, any account's, or AWS's. */
export function ownerWithoutAccount(service: string): 'own' | 'any' | 'aws' {
  if (OWNED_BY_AWS.has(service)) return 'aws'
  // Images and snapshots of EC2 name no account and may be shared.
  return OWN.has(service) ? 'own' : 'any'
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
