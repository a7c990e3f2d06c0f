import { STSClient } from '@aws-sdk/client-sts'
import { expect, test } from 'vitest'
import { PARTITIONS, type Partition, partitionOfRegion } from '../../src/aws/partitions.ts'

// One region or two of each partition, and the domain that the SDK's endpoint rules give it.
const REGIONS: readonly [region: string, partition: Partition, domain: string][] = [
  ['eu-central-1', 'aws', 'amazonaws.com'],
  ['mx-central-1', 'aws', 'amazonaws.com'],
  ['cn-north-1', 'aws-cn', 'amazonaws.com.cn'],
  ['cn-northwest-1', 'aws-cn', 'amazonaws.com.cn'],
  ['us-gov-east-1', 'aws-us-gov', 'amazonaws.com'],
  ['eusc-de-east-1', 'aws-eusc', 'amazonaws.eu'],
  ['us-iso-west-1', 'aws-iso', 'c2s.ic.gov'],
  ['us-isob-east-1', 'aws-iso-b', 'sc2s.sgov.gov'],
  ['eu-isoe-west-1', 'aws-iso-e', 'cloud.adc-e.uk'],
  ['us-isof-south-1', 'aws-iso-f', 'csp.hci.ic.gov'],
]

for (const [region, partition, domain] of REGIONS) {
  test(`${region} is in ${partition}, and its STS is in ${domain}`, () => {
    expect(partitionOfRegion(region)).toBe(partition)
    const { endpointProvider } = new STSClient({ region }).config
    expect(endpointProvider({ Region: region }).url.hostname).toBe(`sts.${region}.${domain}`)
  })
}

test('every partition has a region in these rows', () => {
  expect([...new Set(REGIONS.map(([, partition]) => partition))]).toEqual([...PARTITIONS])
})

test('a region that is new is taken to be of the partition aws', () => {
  expect(partitionOfRegion('xx-north-1')).toBe('aws')
})
