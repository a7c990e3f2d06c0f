/** One promise of Stint and the tests that fail when it is broken. */
export interface PromiseRow {
  readonly promise: `P${number}`
  readonly says: string
  /** `<file> > <part of the title of a test, or of the group around it>`. */
  readonly tests: readonly string[]
}

const LIFE = 'test/grants/grant-life.test.ts'
const MODEL = 'test/promises/grant-life-model.test.ts > whatever is asked, fails, ends or crashes in whatever order'
const KILLED = 'test/crash/failpoints.test.ts > nothing is lost, orphaned or left open'
const LOADED = 'test/crash/load.test.ts > every answer is on record, every key has one grant'
const STOPPED = 'test/crash/load.test.ts > under load loses no grant'

/** Which tests hold which promise; the table of the README is made from it. */
export const PROMISES: readonly PromiseRow[] = [
  {
    promise: 'P1',
    says: 'Recorded before revealed: no credential leaves the process before its grant, lease and audit events are durable.',
    tests: [
      `${LIFE} > P1: recorded before revealed`,
      KILLED,
      LOADED,
      STOPPED,
      'test/ledger/sqlite/sqlite-faults.test.ts > a ledger has every grant that it acknowledged, and a whole chain',
      MODEL,
    ],
  },
  {
    promise: 'P2',
    says: 'No orphans: the lease and the name of its session are durable before STS is called, and a mint of unknown outcome counts as minted.',
    tests: [
      `${LIFE} > P2: no orphans`,
      KILLED,
      'test/crash/faults.test.ts > minted and did not say so: every session has the one name',
      'test/credentials/assume-role.test.ts > is tried again under the same session name, so that one deny covers every try',
      MODEL,
    ],
  },
  {
    promise: 'P3',
    says: 'One grant per idempotency key: a repeat is the same grant, the same key with another task is an error.',
    tests: [`${LIFE} > P3: one grant per idempotency key`, KILLED, LOADED, STOPPED, MODEL],
  },
  {
    promise: 'P4',
    says: 'Never wider than declared: the session policy allows nothing outside the plan, the plan nothing that policy does not permit.',
    tests: [
      'test/plan/never-wider.test.ts > the session policy allows the pairs of the plan and nothing else',
      'test/plan/never-wider-conditions.test.ts > with conditions and merging, sessions may do what the task declares',
      'test/plan/never-wider-conditions.test.ts > a request that carries no key at all meets no condition',
      'test/plan/never-wider-everyday.test.ts > tasks of many services keep all that they declare and get nothing',
      'test/aws/policy-statements/shorten-actions.test.ts > stands for exactly these actions of the table',
      'test/aws/policy-statements/merge-services.test.ts > every action of the table keeps what it has and gets nothing',
      'test/aws/session-policy.test.ts > that does not fit is refused with the numbers',
      'test/aws/session-policy.test.ts > is never empty',
      'test/policy/decide.test.ts > lets no other class through',
    ],
  },
  {
    promise: 'P5',
    says: 'Fail closed: doubt yields no credential and a named reason.',
    tests: [
      `${LIFE} > P5: fail closed`,
      'test/policy/decide.test.ts > that fails to evaluate denies, whatever permits',
      'test/policy/policy-directory.test.ts > a store follows its directory, keeps the last good set while it is bad, and says so',
      'test/ledger/sqlite/sqlite-faults.test.ts > refuses the batch and every write after it',
      'test/identity/bundle/bundle-store.test.ts > keeps the last good bundle, says so once, and takes the next good one',
      'test/crash/faults.test.ts > a named error, no storm, honest leases',
      MODEL,
    ],
  },
  {
    promise: 'P6',
    says: 'Honest revocation: ended means enforced or over; retried until then; a deny goes only after the last session under it.',
    tests: [
      `${LIFE} > P6: honest revocation`,
      'test/grants/lifecycle.test.ts > accepted is not enforced',
      'test/crash/faults.test.ts > P6: takes the deny and enforces it later: ended only when no session works any more',
      'test/credentials/deny-list.test.ts > never frees a live denied session, across crashes, repeats and overflow',
      "test/grants/deny-documents.test.ts > the cloud's clock",
      "test/grants/deny-documents.test.ts > an edit of somebody else's",
      'test/grants/documents-never-lose.test.ts > a grant that one of several documents denies stays denied',
      'test/third-party/clock.test.ts > no deny is lifted and no grant ends whose lease works',
      KILLED,
      MODEL,
    ],
  },
  {
    promise: 'P7',
    says: 'Never longer than granted, to the second, also below the 900 s that STS gives at the least.',
    tests: [
      `${LIFE} > P7: the deadline ends it, to the sweep`,
      `${LIFE} > a new lease with the next number, no later than the deadline`,
      'test/grants/lifecycle.test.ts > never reaches past the deadline on renewal',
      'test/aws/session-policy.test.ts > nothing is allowed from the whole second of notAfter on, whenever it is',
      'test/credentials/assume-role.test.ts > is not sent when the session policy ends after the lease',
      MODEL,
    ],
  },
  {
    promise: 'P8',
    says: 'No secrets at rest, in logs, errors or traces: a secret key or session token exists in memory and in the one response.',
    tests: [
      'test/crash/canary.test.ts > P8: no secret of a lease and no bearer token is in the ledger',
      'test/credentials/assume-role.test.ts > are in no error, whatever AWS answers and the SDK attaches',
      `${LIFE} > with its key id and without its secret`,
    ],
  },
  {
    promise: 'P9',
    says: 'Tampering shows: every decision is on record, and edit, deletion, reordering, truncation and fork of it are found offline.',
    tests: [
      'test/ledger/audit-verify.test.ts > shows any changed, lost or added byte',
      'test/ledger/audit-verify.test.ts > with any changed byte is found out, or its log still says what it said',
      'test/ledger/audit-verify.test.ts > shows a truncation with its head turned back only to a head known from elsewhere',
      'test/ledger/audit/walk-chains.test.ts > are accepted side by side; the end that nobody names is told of',
      'test/ledger/audit/walk-chains.test.ts > a tail that another chain names',
      KILLED,
      MODEL,
    ],
  },
  {
    promise: 'P10',
    says: 'One agent cannot starve another, nor cut its sessions, nor does one failing role or account hold up the mints or revocations of the others.',
    tests: [
      `${LIFE} > P10: an agent over its limit is refused, and another is not`,
      "test/crash/faults.test.ts > for one policy delays no other's revocation",
      "test/grants/several-accounts.test.ts > one account's IAM hangs, and the grants of the others are denied in the first pass",
      'test/credentials/accounts.test.ts > by hanging holds up no mint in another, however many wait for it',
      "test/credentials/deny-shares.test.ts > each wanted deny is covered, nobody's volume cuts another agent, and the text fits",
      'test/grants/shares-enforced.test.ts > cuts its own older sessions and nobody else’s',
      'test/grants/budgets/budgets.test.ts > each agent is its own: what one uses is not missing to another',
      'test/notice/delivery.test.ts > hangs does not hold up another one',
    ],
  },
  {
    promise: 'P11',
    says: 'Any replica can die at any time: another one finishes its work, and one that was paused writes nothing any more.',
    tests: [
      'test/postgres/brokers/failpoints.test.ts > P11: a broker that is killed at',
      'test/postgres/brokers/takeover.test.ts > P11: one that is killed under load leaves nothing behind',
      'test/postgres/brokers/takeover.test.ts > P11: the deny list of one that is killed while it writes',
      'test/postgres/brokers/paused.test.ts > P11: a broker that was paused',
      'test/crash/kill-failpoints.test.ts > leaves a kill that is not set, or that is seen through',
      'test/postgres/kill.test.ts > is seen by every unit of the other one that is committed after it',
      'test/grants/deny/write-claim.test.ts > a claim on a deny list',
    ],
  },
  {
    promise: 'P12',
    says: 'Upgrade and rollback by one version without a lost grant; on PostgreSQL both versions serve side by side, without an outage.',
    tests: [
      'test/upgrade/sqlite-versions.test.ts > a ledger file goes from the previous version to this one and back, and no grant fails',
      'test/postgres/two-versions.test.ts > brokers of two versions serve one database side by side',
      'test/ledger/schema/expand-contract.test.ts > which older brokers are said to live with, only adds',
    ],
  },
  {
    promise: 'P13',
    says: 'A restored backup cannot resurrect access: it starts quarantined, ends what was issued after the backup, then opens.',
    tests: [
      'test/crash/restored-backup.test.ts > P13: an old backup, put back',
      'test/grants/quarantine.test.ts > reaches sessions that the ledger does not know, also those that are made before it is in force',
      'test/grants/deny-documents.test.ts > that a later state of this ledger wrote quarantines a restored backup, and whoever it denied stays denied',
      'test/ledger/restore.test.ts > a backup is in the place of the ledger, quarantined, and the old file is kept',
      'test/postgres/quarantine.test.ts > one replica quarantines all, also a mint that another one has under way',
    ],
  },
  {
    promise: 'P15',
    says: 'A person decides what cannot be undone: an approval is bound to the plan, expires, is used once or as often as policy says, has the people that policy asks for, and is never of the requester.',
    tests: [
      'test/grants/approvals/votes.test.ts > a question for several people',
      'test/ledger/rules/approval-rules.test.ts > does not depend on the order of the votes',
      'test/ledger/rules/approval-rules.test.ts > of several people is not approved by fewer',
      'test/postgres/votes.test.ts > people who vote at two brokers at once are all counted',
      'test/grants/approvals/reuse.test.ts > gives its last use to one of two requests at once',
      `${LIFE} > P15: a person decides what cannot be undone`,
      'test/policy/decide.test.ts > by default what destroys, changes rights or escalates waits for a person',
      'test/policy/waivers.test.ts > P15: an approval is waived only where the configuration and the marks allow it',
      KILLED,
    ],
  },
]
