import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeWithService } from '../third-party/service.ts'
import { describeClient } from './client-suite.ts'

const CLIENT = fileURLToPath(new URL('python/client.py', import.meta.url))

describeWithService(
  'a client in Python',
  ['STINT_INTEROP_PYTHON'],
  'test/interop/python-client.sh',
  ({ STINT_INTEROP_PYTHON }) => {
    describeClient('the spiffe package, grpcio and boto3', {
      command: join(STINT_INTEROP_PYTHON, 'bin', 'python'),
      argv: [CLIENT],
      env: { PYTHONPATH: join(STINT_INTEROP_PYTHON, 'contract'), PYTHONDONTWRITEBYTECODE: '1' },
    })
  },
)
