/** One condition key that a task may use; a family of keys where its name ends in `/` or `:`, e.g. `aws:ResourceTag/`. */
export interface ConditionKey {
  /** As AWS spells it, without the variable part. */
  readonly name: string
  /** The key in the generated action table. Absent: a global key, which every request carries. */
  readonly letter?: string
  /**
   * A request may carry several values. Its operator then is `ForAllValues:…`, with a guard that the key is present, since
   * ForAllValues also holds for a request without the key.
   *
   * @see IAM User Guide, "Single-valued vs. multivalued context keys"
   */
  readonly multivalued?: boolean
  /** The form of every value, with the end of a sentence that says so. */
  readonly form?: { readonly values: RegExp; readonly explanation: string }
}

/**
 * The closed list of condition keys. All compare text, so each takes StringEquals and StringLike, and a request without the
 * key matches neither.
 *
 * @see Service Authorization Reference, condition keys of each service; IAM User Guide, "AWS global condition context keys"
 */
export const CONDITION_KEYS: readonly ConditionKey[] = [
  { name: 'aws:ResourceTag/', letter: 'r' },
  { name: 'aws:RequestTag/', letter: 'q' },
  { name: 'aws:TagKeys', letter: 'k', multivalued: true },
  {
    name: 'aws:RequestedRegion',
    form: { values: /^[a-z0-9*?-]+$/, explanation: 'must be a region such as eu-west-1' },
  },
  { name: 's3:prefix', letter: 'p' },
  {
    name: 'kms:ViaService',
    letter: 'v',
    form: { values: /^[a-z0-9.*?-]+$/, explanation: 'must be an endpoint such as s3.eu-west-1.amazonaws.com' },
  },
  { name: 'kms:EncryptionContext:', letter: 'e' },
  {
    name: 'iam:PassedToService',
    letter: 's',
    form: { values: /^[a-z0-9.*?-]+$/, explanation: 'must be a service such as lambda.amazonaws.com' },
  },
  { name: 'ec2:InstanceType', letter: 'i' },
  { name: 'ec2:CreateAction', letter: 'c' },
  { name: 'dynamodb:LeadingKeys', letter: 'l', multivalued: true },
  { name: 'cloudwatch:namespace', letter: 'n' },
  { name: 'secretsmanager:VersionStage', letter: 'g' },
  { name: 'bedrock:InferenceProfileArn', letter: 'b' },
  {
    name: 'route53:ChangeResourceRecordSetsNormalizedRecordNames',
    letter: 'x',
    multivalued: true,
    // Route 53 Developer Guide, "Using IAM policy conditions for fine-grained access control".
    form: { values: /^(?!.*\.$)[^A-Z]+$/, explanation: 'must be in lower case and without a dot at the end' },
  },
  {
    name: 'route53:ChangeResourceRecordSetsRecordTypes',
    letter: 'y',
    multivalued: true,
    form: { values: /^[A-Z0-9*?]+$/, explanation: 'must be a record type such as CNAME' },
  },
  {
    name: 'route53:ChangeResourceRecordSetsActions',
    letter: 'z',
    multivalued: true,
    form: { values: /^[A-Z*?]+$/, explanation: 'must be CREATE, UPSERT or DELETE' },
  },
]

/** A key of a condition, taken apart. */
export interface KeyParts {
  readonly row: ConditionKey
  /** Spelled as AWS does; what follows the name of a family as written. */
  readonly key: string
  /** The part after the name of a family, e.g. `env`; '' where the name is the whole key. */
  readonly suffix: string
}

/**
 * Finds the row of a key. AWS ignores the case of condition keys, so this does.
 *
 * @param key e.g. `aws:ResourceTag/env`
 * @returns undefined for a key that is not in the list.
 */
export function findConditionKey(key: string): KeyParts | undefined {
  const lower = key.toLowerCase()
  for (const row of CONDITION_KEYS) {
    const isFamily = /[:/]$/.test(row.name)
    if (isFamily ? lower.startsWith(row.name.toLowerCase()) : lower === row.name.toLowerCase()) {
      const suffix = key.slice(row.name.length)
      return { row, key: `${row.name}${suffix}`, suffix }
    }
  }
  return undefined
}
