import { z } from '@hono/zod-openapi'
import { OPERATOR_ROLES } from '../../grants/operators/operator.ts'
import { UNREGISTERED_REASONS } from '../../ledger/records.ts'
import { authMethod, count, instant } from './values.ts'

/** A registration of agents. */
export const registrationSchema = z
  .object({
    name: z.string(),
    match: z.string(),
    owner: z.string(),
    team: z.string(),
    purpose: z.string(),
    contact: z.string().optional(),
    expiresAt: instant(),
    reviewAt: instant().optional().openapi({ description: 'by then somebody must have reviewed it' }),
    source: z.enum(['file', 'api']).openapi({ description: 'where it was written down' }),
    version: count().optional().openapi({ description: 'with `api`: names what a change is based on' }),
    standing: z.enum(['good', 'expired', 'unreviewed', 'ownerless', 'suspended', 'offboarded', 'set_aside']).openapi({
      description:
        'agents are served only while it is `good`; `set_aside`: the registry file or the settings decide otherwise',
    }),
    because: z.string().optional().openapi({ description: 'why it is set aside' }),
  })
  .openapi('Registration')

/** A caller that proved who it is and has no registration. */
export const unregisteredSchema = z
  .object({
    subject: z.string(),
    trustDomain: z.string(),
    authMethod,
    reason: z.enum(UNREGISTERED_REASONS),
    firstSeenAt: instant(),
    lastSeenAt: instant(),
    count: count(),
  })
  .openapi('UnregisteredAttempt')

const scopeSchema = z.object({ teams: z.array(z.string()).optional(), accounts: z.array(z.string()).optional() })

/** The operator whose token made the call. */
export const operatorSchema = z
  .object({
    name: z.string(),
    role: z.enum(OPERATOR_ROLES),
    groups: z.array(z.string()),
    scope: scopeSchema.optional(),
  })
  .openapi('Operator')
