import { didYouMean, findNearest } from '../../core/text/nearest.ts'
import { actionsOfService, knownServices } from '../action-table.ts'

/** API calls whose IAM action has another name: `<service>:<call> <actions>`. Source: Service Authorization Reference. */
export const API_CALLS: ReadonlyMap<string, readonly string[]> = new Map(
  `
  s3:HeadObject s3:GetObject
  s3:SelectObjectContent s3:GetObject
  s3:HeadBucket s3:ListBucket
  s3:ListObjects s3:ListBucket
  s3:ListObjectsV2 s3:ListBucket
  s3:ListBuckets s3:ListAllMyBuckets
  s3:ListObjectVersions s3:ListBucketVersions
  s3:ListParts s3:ListMultipartUploadParts
  s3:ListMultipartUploads s3:ListBucketMultipartUploads
  s3:CopyObject s3:GetObject s3:PutObject
  s3:CreateMultipartUpload s3:PutObject
  s3:UploadPart s3:PutObject
  s3:UploadPartCopy s3:GetObject s3:PutObject
  s3:CompleteMultipartUpload s3:PutObject
  s3:DeleteObjects s3:DeleteObject
  s3:GetBucketEncryption s3:GetEncryptionConfiguration
  s3:PutBucketEncryption s3:PutEncryptionConfiguration
  s3:DeleteBucketEncryption s3:PutEncryptionConfiguration
  s3:GetBucketLifecycleConfiguration s3:GetLifecycleConfiguration
  s3:PutBucketLifecycleConfiguration s3:PutLifecycleConfiguration
  s3:DeleteBucketLifecycle s3:PutLifecycleConfiguration
  s3:GetBucketReplication s3:GetReplicationConfiguration
  s3:PutBucketReplication s3:PutReplicationConfiguration
  s3:DeleteBucketReplication s3:PutReplicationConfiguration
  s3:DeleteBucketCors s3:PutBucketCORS
  s3:DeleteBucketTagging s3:PutBucketTagging
  s3:GetPublicAccessBlock s3:GetBucketPublicAccessBlock
  s3:PutPublicAccessBlock s3:PutBucketPublicAccessBlock
  s3:DeletePublicAccessBlock s3:PutBucketPublicAccessBlock
  s3:GetBucketAccelerateConfiguration s3:GetAccelerateConfiguration
  s3:GetBucketNotificationConfiguration s3:GetBucketNotification
  s3:PutBucketNotificationConfiguration s3:PutBucketNotification
  s3:GetBucketInventoryConfiguration s3:GetInventoryConfiguration
  s3:PutBucketInventoryConfiguration s3:PutInventoryConfiguration
  lambda:Invoke lambda:InvokeFunction
  lambda:InvokeWithResponseStream lambda:InvokeFunction
  dynamodb:ExecuteStatement dynamodb:PartiQLSelect dynamodb:PartiQLInsert dynamodb:PartiQLUpdate dynamodb:PartiQLDelete
  dynamodb:BatchExecuteStatement dynamodb:PartiQLSelect dynamodb:PartiQLInsert dynamodb:PartiQLUpdate dynamodb:PartiQLDelete
  dynamodb:TransactGetItems dynamodb:GetItem
  dynamodb:TransactWriteItems dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:ConditionCheckItem
  bedrock:Converse bedrock:InvokeModel
  bedrock:ConverseStream bedrock:InvokeModelWithResponseStream
  sqs:SendMessageBatch sqs:SendMessage
  sqs:DeleteMessageBatch sqs:DeleteMessage
  sqs:ChangeMessageVisibilityBatch sqs:ChangeMessageVisibility
  sns:PublishBatch sns:Publish
  kms:ReEncrypt kms:ReEncryptFrom kms:ReEncryptTo
  `
    .trim()
    .split('\n')
    .map((line): readonly [string, readonly string[]] => {
      const [call = '', ...actions] = line.trim().split(' ')
      return [call.toLowerCase(), actions]
    }),
)

/** IAM's prefixes of services, by the names that people and SDKs use. */
const SERVICE_NAMES: Readonly<Record<string, string>> = {
  apigatewayv2: 'apigateway',
  'bedrock-runtime': 'bedrock',
  cloudwatchlogs: 'logs',
  cognito: 'cognito-idp',
  efs: 'elasticfilesystem',
  elb: 'elasticloadbalancing',
  elbv2: 'elasticloadbalancing',
  emr: 'elasticmapreduce',
  eventbridge: 'events',
  monitoring: 'cloudwatch',
  msk: 'kafka',
  mwaa: 'airflow',
  opensearch: 'es',
  sesv2: 'ses',
  sfn: 'states',
  stepfunctions: 'states',
  tagging: 'tag',
}

/**
 * Suggests known actions for an unknown one, as the end of a sentence; '' if nothing is near.
 *
 * @param service in lower case.
 * @param name without the service, perhaps with wildcards, which are not compared.
 */
export function suggestAction(service: string, name: string): string {
  const api = API_CALLS.get(`${service}:${name.toLowerCase()}`)
  if (api) return `; the API call of this name needs ${api.join(', ')}`
  const known = actionsOfService(service)
  if (known) return /[*?]/.test(name) ? '' : didYouMean(`${service}:${name}`, actionTexts(service))
  const prefix = SERVICE_NAMES[service] ?? findNearest(service, knownServices())
  if (prefix === undefined) return ''
  const action = actionsOfService(prefix)?.get(name.toLowerCase())?.action
  return `; did you mean ${action ?? `the service ${prefix}`}?`
}

function actionTexts(service: string): readonly string[] {
  return [...(actionsOfService(service)?.values() ?? [])].map(({ action }) => action)
}
