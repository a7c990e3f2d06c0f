// A program that knows nothing of Stint: it takes its credentials from where every AWS SDK looks for them.
// Usage: s3.mjs get|rm s3://bucket/key
import { DeleteObjectCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3'

const [verb, address = ''] = process.argv.slice(2)
const { hostname: Bucket, pathname } = new URL(address)
const Key = pathname.slice(1)
const s3 = new S3Client({ forcePathStyle: true })
try {
  if (verb === 'rm') {
    await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    console.log(`deleted ${address}`)
  } else {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    console.log(await Body?.transformToString())
  }
} catch (error) {
  console.error(`${error.name}: ${error.message}`)
  process.exitCode = 1
}
