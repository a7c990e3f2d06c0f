/** The networks from which sessions of a role work; at least one. */
export interface NetworkBinding {
  /** Public addresses, alone or as ranges such as `203.0.113.0/24`. */
  readonly sourceIps: readonly string[]
  /** Ids of VPCs whose endpoints requests go through. */
  readonly sourceVpcs: readonly string[]
}

/**
 * The statement that denies every request from another network. A request comes from a public address and carries
 * aws:SourceIp, or through a VPC endpoint and carries aws:SourceVpc, never both. So both keys stand in one Deny, whose
 * conditions must all hold; a negated operator with IfExists holds where its key is absent. A role with addresses alone is
 * therefore closed to VPC endpoints, and the reverse.
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
 * True if a session policy has every network Deny of another one, so that its sessions are bound at least as tightly.
 *
 * @param policy the `json` of `compileSessionPolicy`; so is `other`.
 */
export function keepsNetworkDeny(policy: string, other: string): boolean {
  const kept = new Set(networkDenies(policy))
  return networkDenies(other).every((deny) => kept.has(deny))
}

/** The Deny statements with a condition: the Deny of a wildcard's exceptions has none. */
function networkDenies(policy: string): readonly string[] {
  const { Statement } = JSON.parse(policy) as { Statement: readonly { Effect: string; Condition?: object }[] }
  return Statement.filter(({ Effect, Condition }) => Effect === 'Deny' && Condition).map((deny) => JSON.stringify(deny))
}
