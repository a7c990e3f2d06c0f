import { ACTION_CLASSES } from '../aws/action-classes.ts'
import { z } from '../core/documents/schema.ts'
import { VOTE_ASSURANCES } from '../policy/decision.ts'

const actionClass = z.enum(ACTION_CLASSES)

/** The requirements that the configuration adds to every approval, whatever policies say. */
export const approvalSettings = z
  .strictObject({
    /** Who must approve an action of a class, besides those whom policies ask. */
    byClass: z
      .partialRecord(
        actionClass,
        z.strictObject({
          anyOf: z.array(z.string().min(1).max(64)).min(1).max(8).default(['any']),
          count: z.int().min(1).max(20).default(1),
        }),
      )
      .default({}),
    /** The least assurance of every vote on a plan that needs an approval for an action of the class. */
    minimumAssurance: z.partialRecord(actionClass, z.enum(VOTE_ASSURANCES)).default({}),
  })
  .prefault({})
