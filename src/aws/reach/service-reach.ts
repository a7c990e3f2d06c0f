import { splitWords } from '../../core/text/split-words.ts'
/**
 * The accounts whose resources of a service a role can reach by `*`. A service that is not listed here can reach every account,
 * and by an action that takes nothing narrower than `*` the resources of every service. That is the safe reading, since
 * reaching a label can only forbid.
 *
 * @see IAM User Guide, "AWS services that work with IAM", column resource-based policies; AWS RAM User Guide, "Shareable AWS
 *   resources"
 */
export interface ServiceReach {
  /**
   * `own`: resources in the role's own account. `any`: a resource policy of another account can let the role in.
   */
  readonly account: 'own' | 'any'
  /** Resource types of an `own` service that accounts can share with each other. */
  readonly shared?: ReadonlySet<string>
}

const OWN = splitWords(`
  acm apigateway application-autoscaling athena autoscaling batch ce cloudfront cloudwatch codebuild codedeploy codepipeline
  cognito-identity cognito-idp dms ecs eks elasticache elasticbeanstalk elasticloadbalancing elasticmapreduce firehose fsx iam
  memorydb mq rds redshift route53 states
`)

/** Services with resource policies, whose lists (`lambda:ListFunctions`) still show the role's own account alone. */
const ANY = splitWords(`
  dynamodb ecr elasticfilesystem es events glue kinesis kms lambda logs s3 secretsmanager sns sqs sts
`)

/** @see AWS RAM User Guide, "Shareable AWS resources"; Amazon RDS User Guide, "Sharing a DB snapshot" */
const SHARED: Readonly<Record<string, ReadonlySet<string>>> = {
  ec2: splitWords(`
    capacity-reservation coip-pool customer-owned-ip-pool dedicated-host host-reservation image ipam-pool ipam
    ipam-resource-discovery local-gateway-route-table local-gateway local-gateway-route-table-vpc-association placement-group
    prefix-list security-group snapshot subnet traffic-mirror-target transit-gateway transit-gateway-multicast-domain
    verified-access-group vpc vpc-endpoint-service
  `),
  rds: splitWords('cluster cluster-snapshot snapshot'),
  elasticloadbalancing: splitWords('truststore'),
  codebuild: splitWords('project report-group'),
  fsx: splitWords('volume snapshot'),
  redshift: splitWords('datashare namespace snapshot'),
  'cognito-idp': splitWords('webacl'),
  apigateway: splitWords('PrivateDomainName DomainNameAccessAssociation'),
}

/** Services whose ARNs without an account belong to AWS: `arn:aws:ssm:eu-west-1::document/AWS-RunShellScript`. */
const OWNED_BY_AWS = splitWords('bedrock elasticbeanstalk geo-maps geo-places geo-routes personalize ssm')

/** The reach of a service; undefined for a service that is not listed. */
export function serviceReach(service: string): ServiceReach | undefined {
  if (ANY.has(service)) return { account: 'any' }
  const shared = SHARED[service]
  return OWN.has(service) || service === 'ec2' ? { account: 'own', ...(shared && { shared }) } : undefined
}

/** The owner of a resource whose ARN names no account: the role's own account, any account, or AWS. */
export function ownerWithoutAccount(service: string): 'own' | 'any' | 'aws' {
  if (OWNED_BY_AWS.has(service)) return 'aws'
  // EC2's images and snapshots name no account, and accounts share them.
  return OWN.has(service) ? 'own' : 'any'
}
