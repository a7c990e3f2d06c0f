import { describeWithService } from '../third-party/service.ts'
import { describeClient } from './client-suite.ts'

describeWithService('a client in Go', ['STINT_INTEROP_GO'], 'test/interop/go-client.sh', ({ STINT_INTEROP_GO }) => {
  describeClient('go-spiffe, grpc-go and the AWS SDK for Go', { command: STINT_INTEROP_GO, argv: [], env: {} })
})
