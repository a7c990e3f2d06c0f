/**
 * AWS's partitions: groups of regions with their own accounts, IAM and ARNs. No role or policy reaches into another partition.
 *
 * @see AWS General Reference, "Partitions"; the region patterns are those of the AWS SDKs' endpoint rules.
 */
export const PARTITIONS = [
  'aws',
  'aws-cn',
  'aws-us-gov',
  'aws-eusc',
  'aws-iso',
  'aws-iso-b',
  'aws-iso-e',
  'aws-iso-f',
] as const
/** The second part of an ARN. */
export type Partition = (typeof PARTITIONS)[number]

const BY_REGION: readonly (readonly [RegExp, Partition])[] = [
  [/^cn-/, 'aws-cn'],
  [/^us-gov-/, 'aws-us-gov'],
  [/^eusc-/, 'aws-eusc'],
  [/^us-iso-/, 'aws-iso'],
  [/^us-isob-/, 'aws-iso-b'],
  [/^eu-isoe-/, 'aws-iso-e'],
  [/^us-isof-/, 'aws-iso-f'],
]

/** True for the name of a partition, as an ARN has it. */
export function isPartition(text: string | undefined): text is Partition {
  return PARTITIONS.some((partition) => partition === text)
}

/** The partition of a region. An unknown region counts as a new one of `aws`, as in the SDKs. */
export function partitionOfRegion(region: string): Partition {
  return BY_REGION.find(([pattern]) => pattern.test(region))?.[1] ?? 'aws'
}
