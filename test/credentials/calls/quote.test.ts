import { describe, expect, test } from 'vitest'
import { quoteSafely } from '../../../src/credentials/aws-sts/calls/quote.ts'

const TOKEN = `IQoJb3JpZ2luX2VjE${'Aa0/+='.repeat(60)}`
const KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

describe('the words of AWS', () => {
  // Messages as AWS writes them: IAM User Guide, "Troubleshoot access denied error messages", and STS API Reference.
  for (const message of [
    'User: arn:aws:sts::123456789012:assumed-role/stint-broker/pod-1 is not authorized to perform: sts:TagSession on resource: arn:aws:iam::123456789012:role/stint/data/agent-data-reader-with-a-long-name because no identity-based policy allows the sts:TagSession action',
    'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    'Roles may not be assumed by root accounts.',
    'STS is not activated in this region for account:123456789012. Your account administrator can activate STS in this region using the IAM Console.',
    "1 validation error detected: Value '12' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
    'The role with name agent-data cannot be found.',
  ])
    test(`stay as they are: ${message.slice(0, 40)}`, () => expect(quoteSafely(message, [])).toBe(message))

  for (const [name, message, expected] of [
    [
      'an encoded message, which only AWS can read, is left out',
      `You are not authorized to perform this operation. Encoded authorization failure message: ${TOKEN}`,
      'You are not authorized to perform this operation',
    ],
    ['a session token is left out', `Token ${TOKEN} is bad`, 'Token [redacted] is bad'],
    ['a secret access key is left out', `The key '${KEY}' is bad`, "The key '[redacted]' is bad"],
    ['an access key id is left out', 'AKIAIOSFODNN7EXAMPLE does not exist', '[redacted] does not exist'],
    [
      'what the request carried is left out, however short',
      'external id ab-1 is wrong',
      'external id [redacted] is wrong',
    ],
    ['lines after the first are left out', "one\n'POST\n/\n\nx-amz-security-token:t", 'one'],
    ['marks that a terminal would obey are left out', 'a\u001b[31mb\u202ec', 'a [31mb c'],
  ] as const)
    test(`${name}`, () => expect(quoteSafely(message, ['ab-1'])).toBe(expected))

  test('are cut', () => expect(quoteSafely('word '.repeat(200), []).length).toBeLessThanOrEqual(301))
})
