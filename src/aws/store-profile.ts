/** Services that answer AWS's calls. `aws` is AWS itself, or a service that behaves as AWS does. */
export const STORE_PROFILES = ['aws', 'ceph', 'minio'] as const
/** The setting `profile`: one of `STORE_PROFILES`. */
export type StoreProfileName = (typeof STORE_PROFILES)[number]

/** Where a deny list can be kept. */
export type RevocationKind = 'boundary' | 'inline' | 'none'

/** The action and resource of the Deny that ends a lease, so that it covers everything a session can do. */
export interface LeaseEndForm {
  readonly action: '*' | 's3:*'
  readonly resource: '*' | 'arn:aws:s3:::*'
  /**
   * Actions that a second Deny refuses at any time. A session could use them to make credentials that outlive it, and the
   * store allows them to every session that does not deny them.
   */
  readonly never?: 'admin:*'
}

/** How session policies have to be written. */
export interface PolicyForm {
  readonly leaseEnd: LeaseEndForm
  /**
   * The actions that the store knows; undefined for all. A store that refuses a whole policy for one unknown action has a
   * list, and actions are never shortened to wildcards for it, which could match actions of its own that AWS has not.
   */
  readonly actions?: ReadonlySet<string>
  /** The condition keys that the store fills in, in lower case; undefined for all. */
  readonly conditionKeys?: ReadonlySet<string>
  /** Further Deny statements of every policy, as minified JSON. */
  readonly denies?: readonly string[]
  /** True if the store fills in the keys that bind a session to a network. */
  readonly bindsNetworks: boolean
  /** `rendered`: the store measures its own rendering, in bytes, where every list is a list and `& < >` are escaped. */
  readonly measured: 'as_sent' | 'rendered'
}

/** The abilities of one kind of store that Stint depends on. */
export interface StoreProfile {
  readonly name: StoreProfileName
  readonly policy: PolicyForm
  readonly revocation: readonly RevocationKind[]
  /**
   * How its AssumeRole answers. `aws`: SourceIdentity is echoed, key ids begin with ASIA. `stand-in`: no SourceIdentity, any
   * key id, and the role's path may be in the session's ARN. `no-role`: as `stand-in`, and the session's ARN may be empty.
   */
  readonly answers: 'aws' | 'stand-in' | 'no-role'
  /** True if the store answers GetCallerIdentity, which checks credentials without minting. */
  readonly callerIdentity: boolean
  /** Missing abilities that an operator must know about; one sentence each. */
  readonly lacks: readonly string[]
}

const AWS_POLICY: PolicyForm = { leaseEnd: { action: '*', resource: '*' }, bindsNetworks: true, measured: 'as_sent' }

/**
 * Actions of S3 that MinIO takes in a policy.
 *
 * @see MinIO documentation, "Policy based access control", supported actions; test/third-party/minio-policy.test.ts holds
 *   each to MinIO's own policy library.
 */
const MINIO_ACTIONS: ReadonlySet<string> = new Set(
  [
    'AbortMultipartUpload BypassGovernanceRetention CreateBucket DeleteBucket DeleteBucketPolicy DeleteObject',
    'DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionTagging GetBucketLocation GetBucketNotification',
    'GetBucketObjectLockConfiguration GetBucketPolicy GetBucketPolicyStatus GetBucketTagging GetBucketVersioning',
    'GetEncryptionConfiguration GetLifecycleConfiguration GetObject GetObjectAttributes GetObjectLegalHold',
    'GetObjectRetention GetObjectTagging GetObjectVersion GetObjectVersionAttributes GetObjectVersionForReplication',
    'GetObjectVersionTagging GetReplicationConfiguration ListAllMyBuckets ListBucket ListBucketMultipartUploads',
    'ListBucketVersions ListMultipartUploadParts PutBucketNotification PutBucketObjectLockConfiguration',
    'PutBucketPolicy PutBucketTagging PutBucketVersioning PutEncryptionConfiguration PutLifecycleConfiguration',
    'PutObject PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionTagging',
    'PutReplicationConfiguration ReplicateDelete ReplicateObject ReplicateTags RestoreObject',
  ]
    .join(' ')
    .split(' ')
    .map((name) => `s3:${name}`),
)

/** The one key of tasks that the other stores know too. */
const S3_CONDITION_KEYS: ReadonlySet<string> = new Set(['s3:prefix'])

/** One row a profile. */
export const PROFILES: Readonly<Record<StoreProfileName, StoreProfile>> = {
  aws: {
    name: 'aws',
    policy: AWS_POLICY,
    revocation: ['boundary', 'inline', 'none'],
    answers: 'aws',
    callerIdentity: true,
    lacks: [],
  },
  // As seen on radosgw 16.2.
  ceph: {
    name: 'ceph',
    // It has no aws:ViaAWSService, without which the Deny of a network would never hold.
    policy: { ...AWS_POLICY, conditionKeys: S3_CONDITION_KEYS, bindsNetworks: false },
    revocation: ['inline', 'none'],
    answers: 'stand-in',
    callerIdentity: false,
    lacks: [
      'It has no permissions boundary: a deny list can only be an inline policy of the role.',
      'It knows neither aws:SourceIdentity nor aws:PrincipalTag in requests: a Deny that rests on them does nothing.',
      "It does not answer GetCallerIdentity: whether the broker's credentials work shows at the first mint.",
    ],
  },
  // As seen on MinIO, and as its policy library judges.
  minio: {
    name: 'minio',
    policy: {
      // Before RELEASE.2025-10-15 a session may make service accounts of its user, without end and without the session policy,
      // unless it is told that it may not (CVE-2025-62506).
      leaseEnd: { action: 's3:*', resource: 'arn:aws:s3:::*', never: 'admin:*' },
      actions: MINIO_ACTIONS,
      conditionKeys: S3_CONDITION_KEYS,
      bindsNetworks: false,
      measured: 'rendered',
    },
    revocation: ['none'],
    answers: 'no-role',
    callerIdentity: false,
    lacks: [
      'It has no deny list that Stint can write: credentials work until their lease ends.',
      'Its sessions have the rights of the user whose keys the broker holds, narrowed by the session policy; the role ARN, the source identity and the session tags are ignored.',
      'It takes only the S3 actions that it knows itself; a task with another is refused by name.',
      "It does not answer GetCallerIdentity: whether the broker's credentials work shows at the first mint.",
    ],
  },
}
