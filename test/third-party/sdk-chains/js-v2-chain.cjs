// Prints the access key id that the default chain of the AWS SDK for JavaScript, version 2, comes to.
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1'
const AWS = require(process.argv[2])

new AWS.CredentialProviderChain().resolve((error, credentials) => {
  if (error) {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
  process.stdout.write(`${credentials.accessKeyId}\n`)
})
