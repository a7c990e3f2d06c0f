import type { CallRecord } from './call-log.ts'
import type { Fault } from './faults.ts'
import type { Verdict } from './policies/evaluate.ts'
import type { PracticeSession } from './services/state.ts'

/** A policy as JSON text, or as the object that would be its JSON. */
export type PolicyInput = string | object

/** Keys that do not end, of a principal made by `addPrincipal`. */
export interface PracticeKeys {
  readonly arn: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The input of `addPrincipal`: `arn:aws:iam::ACCOUNT:user/NAME`, or `…:role/NAME` for a caller that counts as a role session. */
export interface PrincipalSpec {
  readonly arn: string
  /** Identity policies; without any, only what a trust policy grants directly is allowed. */
  readonly policies?: readonly PolicyInput[]
}

/** The input of `createRole`. */
export interface RoleSpec {
  readonly arn: string
  readonly trustPolicy: PolicyInput
  /** Inline policies by name. */
  readonly policies?: Readonly<Record<string, PolicyInput>>
  /** ARNs of managed policies that are attached; each may be created later, and says nothing until then. */
  readonly attachedPolicies?: readonly string[]
  /** ARN of a managed policy; it may be created later, and allows nothing until then. */
  readonly permissionsBoundary?: string
  /** 3600 to 43200; default 3600. */
  readonly maxSessionSeconds?: number
}

/** Controls for a stage to set up and look at: called in the process, and over HTTP under `/_practice/`. */
export interface CloudControls {
  /** @throws {StintError} REQUEST_INVALID, as every method here that takes input. */
  addPrincipal(spec: PrincipalSpec): PracticeKeys
  createRole(spec: RoleSpec): { readonly arn: string; readonly roleId: string }
  createPolicy(spec: { readonly arn: string; readonly document: PolicyInput }): { readonly arn: string }
  /** @param tags of the bucket, for conditions on `aws:ResourceTag` */
  createBucket(name: string, tags?: Readonly<Record<string, string>>): void
  putObject(bucket: string, key: string, content: string | Buffer): void
  /** The content, or undefined if there is no such object. */
  object(bucket: string, key: string): Buffer | undefined
  /** Sessions that were minted and have not expired, oldest first. A denied session is still live: ask `allows`. */
  liveSessions(at?: Date): PracticeSession[]
  /** All that are remembered, expired ones too. */
  sessions(): PracticeSession[]
  /**
   * The decision for a session, or for a principal's access key id, at an instant (default now).
   *
   * @param keys condition keys that such a request would carry besides, e.g. `{ 'aws:ResourceTag/env': 'dev' }`
   */
  allows(
    who: PracticeSession | string,
    action: string,
    resource: string,
    at?: Date,
    keys?: Readonly<Record<string, string | readonly string[]>>,
  ): Verdict
  calls(): CallRecord[]
  /** e.g. `{ 'sts:AssumeRole ok': 3 }` */
  callCounts(): Record<string, number>
  clearCalls(): void
  /** @returns takes the fault back. */
  setFault(fault: Fault): () => void
  clearFaults(): void
  setPropagationDelayMs(ms: number): void
}
