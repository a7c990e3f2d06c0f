/** Actions on resources, as the agent declares them. */
export interface AccessEntry {
  /** e.g. `['s3:GetObject', 's3:List*']` */
  readonly actions: readonly string[]
  /** ARN patterns, or `['*']` for actions that take nothing narrower. */
  readonly resources: readonly string[]
}

/** What an agent says it is about to do. */
export interface Task {
  /** Why, in words a person can judge; 8 to 500 characters. */
  readonly purpose: string
  /** The role to act through, e.g. `arn:aws:iam::123456789012:role/stint/agent-data`. */
  readonly roleArn: string
  readonly access: readonly AccessEntry[]
  /** How long the task may take. */
  readonly ttlSeconds: number
  /** A ticket or run id of the agent's own, for the trail; up to 128 characters. */
  readonly reference?: string
}
