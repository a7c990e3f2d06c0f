import { StintClient } from '../../src/sdk/index.ts'

/** An agent that takes credentials, and ends without completing its grant or closing its client. */
const {
  STINT_ADDRESS = '',
  STINT_SERVER_ID = '',
  STINT_SVID_CERT = '',
  STINT_SVID_KEY = '',
  STINT_BUNDLE = '',
} = process.env
const client = new StintClient({
  address: STINT_ADDRESS,
  serverId: STINT_SERVER_ID,
  svid: { certificateFile: STINT_SVID_CERT, privateKeyFile: STINT_SVID_KEY, bundleFile: STINT_BUNDLE },
})
const provider = client.credentials({
  purpose: 'forget to say when it is over',
  roleArn: 'arn:aws:iam::123456789012:role/agent-data',
  access: [{ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::invoices/*'] }],
  ttlSeconds: 900,
})
process.stdout.write((await provider()).accessKeyId)
await client.getGrant((await provider.grant()).id)
