import { AssumeRole$, type AssumeRoleCommandOutput, STSClient } from '@aws-sdk/client-sts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPlainAnswer } from '../../../src/credentials/aws-sts/calls/direct/plain-answer.ts'

/** As the API reference of STS shows it, without its line breaks in the token. */
const ANSWER = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <SourceIdentity>DevUser123</SourceIdentity>
    <AssumedRoleUser>
      <AssumedRoleId>ARO123EXAMPLE123:John</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/demo/John</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <SessionToken>AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGd==</SessionToken>
      <Expiration>2026-11-28T12:00:00Z</Expiration>
    </Credentials>
    <PackedPolicySize>8</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata>
    <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
  </ResponseMetadata>
</AssumeRoleResponse>
`
const read = (xml: string) => readPlainAnswer(Buffer.from(xml))

/** The SDK's own reading of the same text; undefined when it refuses it. */
async function readBySdk(xml: string): Promise<object | undefined> {
  const client = new STSClient({ region: 'eu-west-1' })
  const [, namespace, name, traits, input, output] = AssumeRole$
  const protocol = client.config.protocol as unknown as {
    deserializeResponse(operation: object, context: object, response: object): Promise<AssumeRoleCommandOutput>
  }
  const response = { statusCode: 200, headers: {}, body: Buffer.from(xml) }
  try {
    const { $metadata, ...rest } = await protocol.deserializeResponse(
      { namespace, name, traits, input, output },
      client.config,
      response,
    )
    return rest
  } catch {
    return undefined
  } finally {
    client.destroy()
  }
}

describe('a plain answer of AssumeRole', () => {
  for (const { name, xml } of [
    { name: 'as STS writes it', xml: ANSWER },
    { name: 'without white space', xml: ANSWER.replace(/\n */g, '') },
    { name: 'without what is optional', xml: ANSWER.replace(/<(SourceIdentity|PackedPolicySize)>.*/g, '') },
    { name: 'with milliseconds', xml: ANSWER.replace('12:00:00Z', '12:00:00.123Z') },
  ]) {
    test(`is read as the SDK reads it: ${name}`, async () => {
      const found = read(xml)
      expect(found).toBeDefined()
      expect(found).toEqual(await readBySdk(xml))
    })
  }

  for (const { name, from, to } of [
    { name: 'an entity', from: 'bPxR', to: 'b&amp;R' },
    { name: 'a comment', from: '<Credentials>', to: '<Credentials><!-- -->' },
    { name: 'an attribute', from: '<Credentials>', to: '<Credentials a="b">' },
    { name: 'another namespace', from: '2011-06-15', to: '2031-06-15' },
    {
      name: 'a name twice',
      from: '<PackedPolicySize>8',
      to: '<PackedPolicySize>9</PackedPolicySize><PackedPolicySize>8',
    },
    { name: 'an element that we do not know', from: '<PackedPolicySize>8', to: '<More>1</More><PackedPolicySize>8' },
    { name: 'text between elements', from: '<Credentials>', to: '<Credentials>more' },
    { name: 'text around a value', from: 'John</Arn>', to: 'John </Arn>' },
    { name: 'a line break in a value', from: 'wJalr', to: 'wJa\r\nlr' },
    { name: 'letters beyond ASCII', from: 'wJalr', to: 'wJälr' },
    { name: 'no credentials', from: /<Credentials>[\s\S]*<\/Credentials>/, to: '' },
    { name: 'no expiration', from: /<Expiration>.*/, to: '' },
    { name: 'a day that no month has', from: '11-28', to: '02-30' },
    { name: 'a size that is no number', from: '>8<', to: '>eight<' },
    { name: 'its end cut off', from: '</AssumeRoleResponse>\n', to: '' },
    { name: 'something after its end', from: '</AssumeRoleResponse>\n', to: '</AssumeRoleResponse><a></a>' },
    { name: 'an element that ends as another one', from: '</Credentials>', to: '</AssumedRoleUser>' },
  ]) {
    test(`is left to the SDK with ${name}`, () => {
      expect(ANSWER.replace(from, to)).not.toBe(ANSWER)
      expect(read(ANSWER.replace(from, to))).toBeUndefined()
    })
  }

  test('is never read as anything but what the SDK reads, whatever is changed in it', async () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '/',
      '&',
      ' ',
      '\n',
      '</Arn>',
      '<Arn>',
      'Z',
      '9',
      '<Credentials>',
      '</Credentials>',
      ']]>',
    )
    const change = fc.record({ at: fc.nat(ANSWER.length), length: fc.nat(40), put: fc.array(piece, { maxLength: 3 }) })
    let taken = 0
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        let xml = ANSWER
        for (const { at, length, put } of changes) xml = xml.slice(0, at) + put.join('') + xml.slice(at + length)
        const found = read(xml)
        if (!found) return
        taken += 1
        expect(found).toEqual(await readBySdk(xml))
      }),
      { numRuns: 3_000 },
    )
    expect(taken).toBeGreaterThan(0)
  })
})
