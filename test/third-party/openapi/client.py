"""A program that knows the admin API by its document alone: the package stint_admin is what openapi-python-client made of
it. Run by openapi.test.ts; prints one line of JSON."""

import json
import os

from stint_admin import AuthenticatedClient
from stint_admin.api.approvals import get_approval, reject_approval
from stint_admin.api.grants import get_grant, list_grants, revoke_grant
from stint_admin.api.status import whoami
from stint_admin.models import ApprovalAnswer, ListGrantsState, Note, Problem, ProblemCode

client = AuthenticatedClient(base_url=os.environ["ADMIN_URL"], token=os.environ["ADMIN_TOKEN"])
grant_id, approval_id = os.environ["GRANT_ID"], os.environ["APPROVAL_ID"]

me = whoami.sync(client=client)
page = list_grants.sync(client=client, state=ListGrantsState.ACTIVE, limit=1)
details = get_grant.sync(grant_id, client=client)
approval = get_approval.sync(approval_id, client=client)
answer = ApprovalAnswer(plan_hash=approval.plan.hash_, note="No deletions today")
decision = reject_approval.sync(approval_id, client=client, body=answer)
revoked = revoke_grant.sync(grant_id, client=client, body=Note(note="Done with it"))
unknown = get_grant.sync_detailed("grt_01JD7Z0000EXAMP1E0GRANT000", client=client)

print(
    json.dumps(
        {
            "operator": me.name,
            "grants": [grant.id for grant in page.items],
            "access": [action for entry in details.plan.task.access for action in entry.actions],
            "leases": len(details.leases),
            "rejected": decision.code if isinstance(decision, Problem) else decision.approval.state,
            "revoked": revoked.code if isinstance(revoked, Problem) else revoked.outcome.kind,
            "unknown": unknown.parsed.code == ProblemCode.GRANT_NOT_FOUND and "x-request-id" in unknown.headers,
        }
    )
)
