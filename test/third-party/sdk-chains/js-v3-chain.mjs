// Prints the access key id that the default chain of the AWS SDK for JavaScript, version 3, comes to.
import { STSClient } from '@aws-sdk/client-sts'

try {
  const { accessKeyId } = await new STSClient({ region: 'eu-west-1' }).config.credentials()
  process.stdout.write(`${accessKeyId}\n`)
} catch (error) {
  process.stderr.write(`${error}\n`)
  process.exitCode = 1
}
