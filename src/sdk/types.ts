import type { Secret } from '../core/secret.ts'

/** The target of a task; one kind so far. */
export interface TaskTarget {
  /** The role to act through, e.g. `arn:aws:iam::123456789012:role/agent-data`. */
  readonly roleArn: string
}

/** The task that an agent declares; the fields of `stint.v1.Task`. */
export type Task = TaskTarget & TaskContent

/** Actions on resources, the fields of `stint.v1.Access`. */
interface AccessEntry {
  /** Such as `s3:GetObject` or `s3:List*`. */
  readonly actions: readonly string[]
  /** ARN patterns, or `*` where nothing narrower exists. */
  readonly resources: readonly string[]
  /** Conditions that every request must meet. */
  readonly conditions?: readonly Condition[] | undefined
}

/** A condition on a request, such as `{ key: 'aws:ResourceTag/env', values: ['dev'] }`; a request without the key does not meet it. */
interface Condition {
  readonly key: string
  /** `StringEquals`, which is the default, or `StringLike`, whose values may hold `*` and `?`. */
  readonly operator?: string | undefined
  readonly values: readonly string[]
}

/** A task without its target. */
interface TaskContent {
  /** Why, in words that a person can judge; 8 to 500 characters. */
  readonly purpose: string
  readonly access: readonly AccessEntry[]
  /** How long the task may take, in seconds. */
  readonly ttlSeconds: number
  /** A ticket or run id of the agent's own, for the trail; up to 128 characters. */
  readonly reference?: string
  /** True refuses the task if any action of a wildcard would be left out of its plan (`PlanInfo.dropped`). Default false. */
  readonly strict?: boolean
  /** The change that the task's command would make: see `readChange`. */
  readonly change?: Change | undefined
}

/** The change that a file says a command would make; the fields of `stint.v1.Change`. The approver sees it as the agent's claim. */
export interface Change {
  readonly kind: 'terraform_plan' | 'cloudformation_change_set'
  /** Lower-case hex SHA-256 of the file. */
  readonly sha256: string
  /** The same of the file that the command applies, if that is another one. */
  readonly artifactSha256?: string
  /** A name of its own, such as the id of the change set. */
  readonly reference?: string
  /** Number of resources by what happens to them; absent where that is none. */
  readonly counts: Readonly<Partial<Record<ChangeAction, number>>>
  /** The resources, worst first; 50 at most. Never their values. */
  readonly resources: readonly { readonly action: ChangeAction; readonly type: string; readonly address: string }[]
}

/** The actions that can happen to a resource, the worst first. */
export type ChangeAction =
  | 'delete'
  | 'replace'
  | 'may_replace'
  | 'unknown'
  | 'forget'
  | 'update'
  | 'import'
  | 'create'
  | 'read'

/** Where a grant stands; `unknown` for a state that a newer broker has and this client does not. */
export type GrantState =
  | 'denied'
  | 'awaiting_approval'
  | 'rejected'
  | 'withdrawn'
  | 'approval_expired'
  | 'active'
  | 'ending'
  | 'ended'
  | 'unknown'

/** The policy decision on a plan. */
export interface DecisionInfo {
  readonly outcome: 'permit' | 'deny' | 'approval' | 'unknown'
  readonly determiningPolicies: readonly string[]
  readonly failedPairs: readonly {
    readonly action: string
    readonly resource: string
    /** `no_permit`, `forbidden` or `evaluation_error`. */
    readonly reason: string
    readonly policies: readonly string[]
    /** The conditions of the pair, in words. */
    readonly conditions?: readonly string[]
  }[]
  readonly approval: readonly {
    readonly anyOf: readonly string[]
    readonly because: readonly string[]
    /** Number of different people who must approve; absent: one. */
    readonly count?: number
  }[]
  readonly policySetHash: string
  /** Approvals that a policy waived, and why. */
  readonly waivers?: readonly {
    readonly policy: string
    readonly reason: string
    readonly because: readonly string[]
  }[]
}

/** A grant as its agent sees it, as of one answer of the broker. */
export interface GrantInfo {
  readonly id: string
  readonly state: GrantState
  /** Why it is ending or ended, e.g. `completed`, `deadline`, `revoked`. */
  readonly reason?: string
  readonly subject: string
  readonly roleArn: string
  readonly purpose: string
  readonly planHash: string
  readonly decision?: DecisionInfo
  readonly requestedAt?: Date
  /** The latest instant a lease can reach; set once active, of an approved grant with its first lease. */
  readonly deadline?: Date
  /** Set on an approved grant without a lease: by when its agent must ask for the first one. */
  readonly claimBy?: Date
  /** The changes of the plan while it waited, if it was rejected because of them. */
  readonly voidedBecause?: readonly string[]
  /** While ending: by when its credentials will have stopped working. */
  readonly effectiveBy?: Date
  readonly endedAt?: Date
  readonly leaseCount: number
  /** While awaiting approval: the id to give to an approver, and when the question lapses. */
  readonly approvalId?: string
  readonly approvalExpiresAt?: Date
  /** Leases from before this instant were cut: renew now. */
  readonly renewAfter?: Date
}

/** One set of credentials, by `kind`. Secrets print as `[redacted]`. */
export type LeaseInfo = AwsLeaseInfo

/** A lease of AWS credentials. */
export interface AwsLeaseInfo {
  readonly kind: 'aws'
  readonly id: string
  /** 1, 2, 3 … within the grant. */
  readonly number: number
  /** Nothing works after this instant. */
  readonly notAfter: Date
  /** The expiration given to AWS SDKs: before `notAfter`. */
  readonly usableUntil: Date
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
  readonly sessionToken: Secret
}

/** The answer to RequestGrant and RenewLease. */
export interface GrantAnswer {
  readonly grant: GrantInfo
  /** Only with an active grant. */
  readonly lease?: LeaseInfo
}

/** The access that a task amounts to. */
export interface PlanInfo {
  readonly hash: string
  /** The agent that it was judged for; '' from a broker before 0.1.0. */
  readonly subject: string
  readonly task: Task
  readonly pairs: readonly {
    readonly action: string
    readonly resource: string
    readonly class: string
    readonly flags: readonly string[]
    readonly within: readonly string[]
    readonly touches: readonly string[]
    /** Conditions that every request must meet. */
    readonly conditions?: readonly Required<Condition>[]
  }[]
  /** Allow statements of the session policy, JSON. */
  readonly sessionPolicy: string
  readonly sessionPolicyCharacters: number
  /** Marks of the labels that it touches: production, nonproduction, stateful, public. */
  readonly labelMarks?: Readonly<Record<string, readonly string[]>>
  readonly blastRadius?: {
    readonly actions: number
    readonly resourcePatterns: number
    readonly byClass: Readonly<Record<string, number>>
    readonly byLabel: Readonly<Record<string, number>>
    readonly outlives: readonly { readonly action: string; readonly reason: string }[]
    readonly unknown: readonly string[]
    /** Pairs by condition. */
    readonly byCondition?: Readonly<Record<string, number>>
  }
  /** The part of it that the role's own policies allow; absent if the broker does not know them. */
  readonly reach?: PlanReachInfo
  /** Further effects, one step on, that its own effects could have; absent if none are known. */
  readonly onward?: readonly { readonly action: string; readonly resource: string; readonly step: string }[]
  /** Facts to know before the plan is used; `kind` such as `cannot_revoke`. Empty if there are none. */
  readonly warnings: readonly { readonly kind: string; readonly explanation: string }[]
  /** Actions of wildcards that are not in the plan; `reason` such as `needs_resource`. Empty if there are none. */
  readonly dropped: readonly {
    readonly pattern: string
    /** Actions that the pattern stands for. */
    readonly members: number
    readonly reason: string
    readonly count: number
    /** The first of them. */
    readonly actions: readonly string[]
    readonly explanation: string
  }[]
}

/** The reach of a plan: its pairs, cut by the role's own policies. */
export interface PlanReachInfo {
  /** Pairs that work on every resource of their pattern. */
  readonly yes: number
  /** Pairs that AWS will refuse. */
  readonly no: number
  /** Pairs of which a part works, or that depend on conditions of the role's policies. */
  readonly yesIf: number
  /** Pairs that can work, by class and by touched label. */
  readonly byClass: Readonly<Record<string, number>>
  readonly byLabel: Readonly<Record<string, number>>
  /** Pairs that do not plainly work. */
  readonly limited: readonly {
    /** Place in `pairs`. */
    readonly pair: number
    readonly verdict: string
    /** With `no`: not_allowed, boundary or denied. */
    readonly reason?: string
    /** With `yes-if`: the patterns that contain everything that works; absent: the pair's own. */
    readonly within?: readonly string[]
    /** With `yes-if`: parts that do not work. */
    readonly except?: readonly string[]
    /** With `yes-if`: conditions that decide. */
    readonly conditions?: readonly { readonly key: string; readonly text?: string }[]
    /** True if there are more patterns or conditions than are listed. */
    readonly more?: boolean
  }[]
  /** Policies that also decide and that the broker does not know. */
  readonly unknown: readonly string[]
}

/** The answer to PlanTask. */
export interface PlanAnswer {
  readonly plan: PlanInfo
  readonly decision?: DecisionInfo
  /** Number of people who could approve now, if the decision asks for an approval. Absent from older brokers. */
  readonly couldApprove?: number
}

/** One action that an agent reports. */
export interface ActivityReport {
  readonly at: Date
  /** AWS action such as `s3:GetObject`. */
  readonly action: string
  readonly resource?: string
  readonly note?: string
}

/** The shape of an AWS SDK v3 `AwsCredentialIdentity`. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** The lease's `usableUntil`. */
  readonly expiration: Date
}

/** Fits wherever an AWS SDK v3 client takes `credentials`. */
export type CredentialProvider = () => Promise<AwsCredentials>
