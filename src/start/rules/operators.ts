import { createOperatorDirectory } from '../../admin/operators/operator-directory.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

/** The operators of the configuration: they may call the admin API, and answer approvals. */
export const operators = definePart({
  name: 'operators',
  start: ({ config, clock }: Surroundings) => ({
    value: createOperatorDirectory({ rows: config.admin.operators, clock }),
  }),
})
