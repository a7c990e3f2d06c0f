/** The networks from which sessions of a role work; at least one. */
export interface NetworkBinding {
  /** Public addresses, alone or as ranges such as `203.0.113.0/24`. */
  readonly sourceIps: readonly string[]
  /** Ids of VPCs whose endpoints requests go through. */
  readonly sourceVpcs: readonly string[]
}

/**
 * The statement that denies everything from elsewhere. A request comes either from a public address or through a VPC endpoint
 * and carries the key of its way alone. So both are in one Deny, whose conditions must all hold, and a negated operator holds
 * where the key is absent: a way without any entry is closed.
 *
 * Requests that an AWS service makes for the caller, such as Athena's to S3, come from that service's network and pass.
 *
 * @see IAM User Guide, "AWS global condition context keys": aws:SourceIp, aws:SourceVpc, aws:ViaAWSService
 */
export function networkDeny({ sourceIps, sourceVpcs }: NetworkBinding): string {
  return JSON.stringify({
    Effect: 'Deny',
    Action: '*',
    Resource: '*',
    Condition: {
      ...(sourceIps.length > 0 && { NotIpAddressIfExists: { 'aws:SourceIp': sourceIps } }),
      ...(sourceVpcs.length > 0 && { StringNotEqualsIfExists: { 'aws:SourceVpc': sourceVpcs } }),
      Bool: { 'aws:ViaAWSService': 'false' },
    },
  })
}

/**
 * True if a session policy denies all that another one denies by its network, so that a session of the first is bound at
 * least as the second asks.
 *
 * @param policy of `compileSessionPolicy`, as is `other`.
 */
export function keepsNetworkDeny(policy: string, other: string): boolean {
  const kept = new Set(networkDenies(policy))
  return networkDenies(other).every((deny) => kept.has(deny))
}

/** A Deny of exceptions to a wildcard has no condition. */
function networkDenies(policy: string): readonly string[] {
  const { Statement } = JSON.parse(policy) as { Statement: readonly { Effect: string; Condition?: object }[] }
  return Statement.filter(({ Effect, Condition }) => Effect === 'Deny' && Condition).map((deny) => JSON.stringify(deny))
}
