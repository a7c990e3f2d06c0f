import { createOperatorDirectory } from '../../admin/operators/operator-directory.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

/** The people of the configuration: who may call the admin API, and who could answer an approval. */
export const operators = definePart({
  name: 'operators',
  start: ({ config, clock }: Surroundings) => ({
    value: createOperatorDirectory({ rows: config.admin.operators, clock }),
  }),
})
