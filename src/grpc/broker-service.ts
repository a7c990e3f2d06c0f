import type { BrokerServiceHandlers } from '../contract/gen/stint/v1/BrokerService.ts'
import { renameErrorFields } from '../core/input-error.ts'
import type { GrantAnswer } from '../grants/mint-lease.ts'
import type { GrantService } from '../grants/services.ts'
import { type HandlerParts, streaming, unary } from './handlers.ts'
import {
  activitiesFromWire,
  decisionToWire,
  grantToWire,
  leaseToWire,
  noteFromWire,
  pageSizeFromWire,
  planToWire,
  stateFromWire,
  taskFromWire,
} from './messages.ts'

/** `stint.v1.BrokerService`: each method translates and calls one function of the grant service. */
export function createBrokerHandlers(parts: HandlerParts & { readonly grants: GrantService }): BrokerServiceHandlers {
  const { grants } = parts
  return {
    PlanTask: unary(parts, 'PlanTask', async (caller, request, signal) => {
      const { plan, decision, warnings, couldApprove } = await grants.planTask(caller, taskFromWire(request), signal)
      const approvers = couldApprove === undefined ? {} : { couldApprove }
      return { plan: planToWire(plan, warnings), decision: decisionToWire(decision), ...approvers }
    }),
    RequestGrant: unary(parts, 'RequestGrant', async (caller, request, signal) => {
      const { idempotencyKey } = request
      return answerToWire(await grants.requestGrant(caller, { task: taskFromWire(request), idempotencyKey }, signal))
    }),
    RenewLease: unary(parts, 'RenewLease', async (caller, { grantId }, signal) => {
      return answerToWire(await grants.renewLease(caller, grantId, signal))
    }),
    CompleteGrant: unary(
      parts,
      'CompleteGrant',
      async (caller, { grantId, note }) => {
        return { grant: grantToWire(await grants.completeGrant(caller, grantId, noteFromWire(note))) }
      },
      'release',
    ),
    GetGrant: unary(parts, 'GetGrant', async (caller, { grantId }) => {
      return { grant: grantToWire(await grants.getGrant(caller, grantId)) }
    }),
    ListGrants: unary(parts, 'ListGrants', async (caller, { pageSize, pageToken, state: wireState }) => {
      const state = stateFromWire(wireState)
      const page = { limit: pageSizeFromWire(pageSize), ...(pageToken ? { cursor: pageToken } : {}) }
      const { items, nextCursor } = await grants.listGrants(caller, state ? { state } : {}, page).catch(inPageNames)
      return { grants: items.map(grantToWire), nextPageToken: nextCursor ?? '' }
    }),
    ReportActivity: unary(parts, 'ReportActivity', async (caller, { grantId, activities }) => {
      await grants.reportActivity(caller, grantId, activitiesFromWire(activities))
      return {}
    }),
    WatchGrant: streaming(parts, 'WatchGrant', async function* (caller, { grantId }, signal) {
      for await (const view of grants.watchGrant(caller, grantId, signal)) yield { grant: grantToWire(view) }
    }),
  }
}

function answerToWire(answer: GrantAnswer) {
  return { grant: grantToWire(answer), lease: answer.lease ? leaseToWire(answer.lease) : null }
}

/** The names that the contract gives the parts of a page. */
const PAGE_NAMES: Readonly<Record<string, string>> = { cursor: 'pageToken', limit: 'pageSize' }

function inPageNames(thrown: unknown): never {
  throw renameErrorFields(thrown, (field) => PAGE_NAMES[field] ?? field)
}
