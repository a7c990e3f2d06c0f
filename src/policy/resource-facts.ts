import { splitArn } from '../aws/arn.ts'

/** The parts of an ARN pattern that policies can read; a part that is open, or absent, is ''. */
export function resourceFacts(pattern: string): { arn: string; service: string; region: string; account: string } {
  const { prefix, service, region, account } = splitArn(pattern)
  const fixed = (part = '') => (prefix === 'arn' && !/[*?]/.test(part) ? part : '')
  return { arn: pattern, service: fixed(service), region: fixed(region), account: fixed(account) }
}
