import { createOperatorDirectory, type OperatorDirectory } from '../../admin/operators/operator-directory.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

/** The operators of the configuration of now: they may call the admin API, and answer approvals. */
export const operators = definePart({
  name: 'operators',
  start({ config, liveConfig, clock }: Surroundings) {
    let directory = createOperatorDirectory({ rows: config.admin.operators, clock })
    liveConfig.follow('operators', ({ admin }) => {
      const next = createOperatorDirectory({ rows: admin.operators, clock })
      return () => {
        directory = next
      }
    })
    const value: OperatorDirectory = {
      authenticate: (authorization) => directory.authenticate(authorization),
      current: (now) => directory.current(now),
    }
    return { value }
  },
})
