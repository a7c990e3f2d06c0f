import { z } from '@hono/zod-openapi'
import { GRANT_STATES, type GrantState } from '../../ledger/records.ts'
import { registrationSchema } from './people-schemas.ts'
import { count, instant, sha256 } from './values.ts'

const texts = z.array(z.string())
const things = z.object({ roles: texts, classes: texts, labels: texts, actions: texts }).openapi('UsedThings')
const states = Object.fromEntries(GRANT_STATES.map((state) => [state, count()])) as Record<
  GrantState,
  ReturnType<typeof count>
>

/** The facts that a reviewer of a registration sees. */
export const reviewSchema = z
  .object({
    registration: registrationSchema,
    usage: z
      .object({
        grants: z.object(states).openapi({ description: 'grants of its agents on record, by state' }),
        isWhole: z.boolean().openapi({ description: 'false: there are more, older grants than were looked at' }),
        firstSeenAt: instant().optional(),
        lastSeenAt: instant().optional().openapi({ description: 'missing: no grant is on record' }),
        agents: texts.openapi({ description: 'agents that asked, the first 20' }),
        agentsLeftOut: count(),
        /** Credentials were issued for it. */
        used: things,
        /** It was asked for, and none were ever issued. */
        neverUsed: things,
      })
      .openapi('AgentUsage'),
    last: z.object({ at: instant(), by: z.string(), nextAt: instant() }).optional(),
    nextAt: instant().openapi({ description: 'the next review would be due then, were this one signed now' }),
    maySign: z.boolean().openapi({ description: 'false if you run the agents' }),
    shown: sha256(),
  })
  .openapi('AgentReview')
