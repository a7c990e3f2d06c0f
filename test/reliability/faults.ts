/** One fault, how it is injected, what must hold, and the tests that do so. */
export interface FaultRow {
  readonly fault: string
  readonly injection: string
  /** The promises that it would break. */
  readonly promises: string
  /** `<file> > <part of the title of a test, or of the group around it>`. */
  readonly tests: readonly string[]
}

const SIMULATED = 'test/simulation/simulation.test.ts > whatever the seed lets happen, in whatever order'
const KILLED = 'test/crash/failpoints.test.ts > nothing is lost, orphaned or left open'
const LOADED = 'test/crash/load.test.ts > every answer is on record, every key has one grant'
const LIFE = 'test/grants/grant-life.test.ts'
const PG = 'test/postgres'
const KILL = 'kill -9 at a named point of a real broker'
const STAND_IN = 'STS and IAM stand-in that counts calls'

/** Every fault that the tests inject, in the order of the story of a grant: mint, revocation, time, overload, store, rules, process. */
export const FAULTS: readonly FaultRow[] = [
  {
    fault: 'Crash before the intent of a lease is committed',
    injection: `${KILL}; simulation`,
    promises: 'P2 P3',
    tests: [KILLED, SIMULATED],
  },
  {
    fault: 'Crash after the intent, during AssumeRole, or before its outcome is on record',
    injection: `${KILL}; simulation`,
    promises: 'P1 P2 P3',
    tests: [KILLED, LOADED, SIMULATED],
  },
  {
    fault: 'Crash after the lease is on record as issued and before the answer',
    injection: `${KILL}; simulation`,
    promises: 'P1 P3',
    tests: [KILLED, SIMULATED],
  },
  {
    fault: 'Crash while a deny is written, or between its write and its record',
    injection: `${KILL}; simulation`,
    promises: 'P6',
    tests: [KILLED, 'test/crash/deny-proofs.test.ts > every session is on record, and the next start proves the deny'],
  },
  {
    fault: 'Crash while old denies are removed',
    injection: 'the process dies between two writes; simulation',
    promises: 'P6',
    tests: [
      'test/grants/documents-never-lose.test.ts > whatever fails and wherever the process dies',
      'test/credentials/deny-list.test.ts > never frees a live denied session, across crashes, repeats and overflow',
      SIMULATED,
    ],
  },
  {
    fault: 'An answer is lost on the wire, and the agent asks again',
    injection: 'simulation',
    promises: 'P3',
    tests: [SIMULATED],
  },
  {
    fault: 'Fifty calls in parallel with one key',
    injection: 'the service itself',
    promises: 'P3',
    tests: [`${LIFE} > fifty calls that race on one key share one grant and one mint`],
  },
  {
    fault: 'One key with two tasks',
    injection: 'the service itself; simulation',
    promises: 'P3',
    tests: [`${LIFE} > the same key with another task is an error and mints nothing`, SIMULATED],
  },
  {
    fault: 'STS throttles, fails, or breaks the connection on every call',
    injection: STAND_IN,
    promises: 'P2 P5',
    tests: ['test/crash/faults.test.ts > a named error, no storm, honest leases', SIMULATED],
  },
  {
    fault: 'STS is down',
    injection: STAND_IN,
    promises: 'P5 P10',
    tests: ['test/crash/faults.test.ts > opens the breaker when it is down'],
  },
  {
    fault: 'STS mints and its answer is lost',
    injection: STAND_IN,
    promises: 'P2 P6',
    tests: ['test/crash/faults.test.ts > minted and did not say so: every session has the one name', SIMULATED],
  },
  {
    fault: 'STS hangs for one role',
    injection: STAND_IN,
    promises: 'P2 P10',
    tests: ['test/crash/faults.test.ts > hangs: the caller hears in its own time, others are served'],
  },
  {
    fault: 'IAM refuses or throttles the writes of denies',
    injection: 'fake provider; simulation',
    promises: 'P6',
    tests: [`${LIFE} > a deny that IAM does not take is tried again, is visible`, SIMULATED],
  },
  {
    fault: 'IAM accepts a deny and enforces it later',
    injection: `${STAND_IN}; simulation`,
    promises: 'P6',
    tests: ['test/crash/faults.test.ts > takes the deny and enforces it later', SIMULATED],
  },
  {
    fault: 'A write of a deny document that was given up takes effect late',
    injection: 'simulation',
    promises: 'P6',
    tests: [SIMULATED],
  },
  {
    fault: 'Somebody edits a deny document',
    injection: 'fake provider; simulation',
    promises: 'P6',
    tests: ["test/grants/deny-documents.test.ts > an edit of somebody else's", SIMULATED],
  },
  {
    fault: 'A deny document is full',
    injection: 'STS-shaped server',
    promises: 'P6 P10',
    tests: [
      "test/credentials/deny-shares.test.ts > each wanted deny is covered, nobody's volume cuts another agent",
      'test/grants/shares-enforced.test.ts > cuts its own older sessions and nobody else’s',
    ],
  },
  {
    fault: "One account's or one policy's IAM fails, the others work",
    injection: STAND_IN,
    promises: 'P10',
    tests: [
      "test/crash/faults.test.ts > for one policy delays no other's revocation",
      "test/grants/several-accounts.test.ts > one account's IAM hangs",
    ],
  },
  {
    fault: '10,000 grants end in one second',
    injection: 'the clock moves past the deadline of all',
    promises: 'P7 P10',
    tests: ['test/reliability/expiry-herd.test.ts > ten thousand grants that end in one second'],
  },
  {
    fault: 'The wall clock is hours off, jumps or creeps',
    injection: 'libfaketime on a real broker; simulation',
    promises: 'P5 P6 P7',
    tests: [
      'test/third-party/clock.test.ts > no deny is lifted and no grant ends whose lease works',
      'test/core/clock-guard.test.ts > and trusts again after ten steady seconds',
      SIMULATED,
    ],
  },
  {
    fault: 'A broker starts while its clock is ahead',
    injection: 'simulation',
    promises: 'P6',
    tests: [SIMULATED, 'test/core/clock-guard.test.ts > the time is told from its first answer on'],
  },
  {
    fault: 'The process is paused or the machine suspended',
    injection: 'SIGSTOP on a real broker under load; simulation',
    promises: 'P1 P6 P11',
    tests: ['test/crash/resources.test.ts > that is stopped by SIGSTOP for seconds', SIMULATED],
  },
  {
    fault: 'Two replicas claim the same work',
    injection: 'two ledgers on one PostgreSQL database',
    promises: 'P3 P11',
    tests: [
      `${PG}/replicas.test.ts > a deny list is claimed by one of them`,
      `${PG}/replicas.test.ts > a grant that is due is moved by one of them`,
      `${PG}/histories.test.ts > lose nothing and double nothing`,
    ],
  },
  {
    fault: 'A replica dies or falls silent with work in hand',
    injection: 'two real brokers, and two ledgers, on one PostgreSQL database',
    promises: 'P2 P11',
    tests: [
      `${PG}/brokers/takeover.test.ts > one that is killed under load leaves nothing behind`,
      `${PG}/brokers/takeover.test.ts > the deny list of one that is killed while it writes`,
      `${PG}/replicas.test.ts > is found silent by another one, and writes nothing any more`,
      `${PG}/replicas.test.ts > leaves its mints to another one`,
    ],
  },
  {
    fault: 'The clocks of two replicas are apart',
    injection: 'two brokers on one PostgreSQL database',
    promises: 'P5',
    tests: [`${PG}/replica-clocks.test.ts > the one that is astray serves nothing`],
  },
  {
    fault: 'A replica is paused between a claim and its write, or its write comes into effect late',
    injection: 'SIGSTOP of one of two real brokers',
    promises: 'P6 P11',
    tests: [
      `${PG}/brokers/paused.test.ts > between a claim and its write finds the claim gone`,
      `${PG}/brokers/paused.test.ts > and whose write comes into effect over that of the other one`,
    ],
  },
  {
    fault: 'A replica is cut off from the database',
    injection: 'a proxy that cuts',
    promises: 'P5 P11',
    tests: [`${PG}/brokers/paused.test.ts > serves nothing and says so, and its work is done by the other one`],
  },
  {
    fault: 'Notifications between replicas are lost or made up',
    injection: 'a connection ended, a silent network, foreign notifications',
    promises: 'P11',
    tests: [
      `${PG}/watching.test.ts > is replaced by looking`,
      `${PG}/watching.test.ts > are a reason to look, and nothing else`,
    ],
  },
  {
    fault: 'PostgreSQL crashes under load, ends sessions, or is away',
    injection: 'pg_ctl stop -m immediate, pg_terminate_backend',
    promises: 'P1 P5',
    tests: [
      `${PG}/faults.test.ts > that crashes under load and comes back loses nothing that was answered`,
      `${PG}/broker.test.ts > a broker whose database is away serves nothing and says why`,
    ],
  },
  {
    fault: 'A standby is promoted, or the wait for it is cut short',
    injection: 'streaming standby, pg_cancel_backend',
    promises: 'P1 P9',
    tests: [
      `${PG}/faults.test.ts > a server that has become a standby is not read`,
      `${PG}/faults.test.ts > a commit whose wait for the standby was cancelled`,
    ],
  },
  {
    fault: 'The answer to a commit is lost',
    injection: 'a proxy that swallows, cuts and halves; simulation',
    promises: 'P1 P3',
    tests: [`${PG}/lost-answers.test.ts > is on record once, and its callers hear so`, SIMULATED],
  },
  {
    fault: 'Locks and statements take too long',
    injection: 'a table lock, pg_sleep',
    promises: 'P5',
    tests: [
      `${PG}/faults.test.ts > whose lock does not come in time`,
      `${PG}/faults.test.ts > whose statement takes too long`,
    ],
  },
  {
    fault: 'The disk is full',
    injection: 'a limit on file size under a real broker with load; a full tablespace',
    promises: 'P1 P5',
    tests: [
      'test/crash/resources.test.ts > whose disk is full says so and ends',
      `${PG}/faults.test.ts > whose disk is full refuses writes in words`,
      'test/start/ledger-watch.test.ts > MiB is ${low',
    ],
  },
  {
    fault: 'A sync fails, or the log is torn',
    injection: 'a store that fails; a WAL cut in the middle; simulation',
    promises: 'P1 P9',
    tests: [
      'test/ledger/sqlite/sqlite-faults.test.ts > refuses the batch and every write after it',
      'test/ledger/sqlite/sqlite-faults.test.ts > whose write-ahead log was cut in the middle',
      SIMULATED,
    ],
  },
  {
    fault: 'Audit rows are edited, deleted, reordered or cut off',
    injection: 'SQL on the file, single bytes',
    promises: 'P9',
    tests: [
      'test/ledger/audit-verify.test.ts > shows any changed, lost or added byte',
      'test/ledger/sqlite/sqlite-faults.test.ts > is not opened with',
    ],
  },
  {
    fault: 'The ledger file is moved or replaced under a running broker',
    injection: 'rename, copy',
    promises: 'P1 P13',
    tests: [
      'test/start/ledger-watch.test.ts > a ledger file that is moved away ends the broker',
      'test/start/ledger-watch.test.ts > a backup that is put in the place of the ledger',
    ],
  },
  {
    fault: 'The ledger is set back to an older state',
    injection: 'an old backup under real brokers; a document with a write that the ledger does not know',
    promises: 'P13',
    tests: [
      'test/grants/quarantine.test.ts > no grant is opened, approved or renewed',
      'test/grants/quarantine.test.ts > grants end as restored',
      'test/grants/quarantine.test.ts > reaches sessions that the ledger does not know',
      'test/grants/quarantine.test.ts > is refused until every deny list is cut',
      'test/crash/restored-backup.test.ts > gives nobody access',
    ],
  },
  {
    fault: 'Two processes on one ledger file',
    injection: 'a second broker',
    promises: 'P11',
    tests: ['test/crash/load.test.ts > ends with LEDGER_LOCKED, and the first serves on'],
  },
  {
    fault: 'A migration is killed half way',
    injection: KILL,
    promises: 'P12',
    tests: [
      'test/ledger/sqlite/sqlite-faults.test.ts > in the middle of a migration, the next start completes it',
      `${PG}/migrate.test.ts > over many rows goes in parts, and on with the rest after it broke off`,
    ],
  },
  {
    fault: 'Two versions serve side by side, forwards and back',
    injection: 'two builds on one database, under load',
    promises: 'P12',
    tests: [`${PG}/two-versions.test.ts > brokers of two versions serve one database side by side`],
  },
  {
    fault: 'Policy files are invalid, emptied, or swapped by a link',
    injection: 'changes of the directory',
    promises: 'P5',
    tests: [
      'test/policy/policy-directory.test.ts > a store follows its directory, keeps the last good set while it is bad',
      'test/policy/policy-directory.test.ts > a swap of the link behind the files is one change',
    ],
  },
  {
    fault: 'A policy fails to evaluate',
    injection: 'a policy with an error',
    promises: 'P5',
    tests: ['test/policy/decide.test.ts > that fails to evaluate denies, whatever permits'],
  },
  {
    fault: 'The configuration file is bad, or read again and again',
    injection: 'changes of the file; a storm of SIGHUP under load',
    promises: 'P5',
    tests: [
      'test/start/reload/config-reload.test.ts > leaves the last good one in force',
      'test/crash/resources.test.ts > that is asked by a storm of SIGHUPs',
    ],
  },
  {
    fault: 'Unknown keys flood an issuer, or its keys rotate',
    injection: 'fake issuer',
    promises: 'P5',
    tests: [
      'test/identity/oidc/keys/issuer-keys.test.ts > a flood of unknown keys asks the issuer once in 30 s',
      'test/identity/oidc/keys/issuer-keys.test.ts > right after a rotation a good token is told when to come again',
    ],
  },
  {
    fault: 'Forged SVIDs and tokens',
    injection: 'changed bytes, wrong authorities, wrong algorithms',
    promises: 'P5',
    tests: [
      'test/identity/x509/x509-svid.test.ts > refuses every leaf with a byte changed',
      'test/identity/jwt/jwt-svid.test.ts > J6 refuses none, HMAC with the public key',
    ],
  },
  {
    fault: 'SVIDs and bundles rotate under live connections',
    injection: 'files replaced five times in a life, under traffic',
    promises: 'P5',
    tests: ['test/rotation/rotation.test.ts > fails no call that should pass and passes none that should fail'],
  },
  {
    fault: 'The Workload API goes away',
    injection: 'its socket is closed',
    promises: 'P5',
    tests: [
      'test/identity/workload-api/broker.test.ts > are not ready, and take no connection',
      'test/identity/workload-api/broker.test.ts > goes on while its Workload API is away',
    ],
  },
  {
    fault: 'Attacks on the ports: huge, deep, half-sent, reset, held',
    injection: 'raw frames and sockets; open files limited',
    promises: 'P10',
    tests: [
      'test/attack/attack.test.ts > a good client is served, memory and sockets come back',
      'test/attack/strangers.test.ts > silent connections to the',
    ],
  },
  {
    fault: 'One agent asks without end',
    injection: 'the service itself',
    promises: 'P10',
    tests: [`${LIFE} > P10: an agent over its limit is refused, and another is not`],
  },
  {
    fault: 'A rejection that nobody handles',
    injection: 'injected into a real broker under load',
    promises: 'P1 P2 P3',
    tests: ['test/crash/resources.test.ts > in which a promise is rejected and nobody handles it'],
  },
  {
    fault: 'SIGTERM under load, and a second one',
    injection: 'kill',
    promises: 'P1 P3',
    tests: [
      'test/crash/load.test.ts > under load loses no grant',
      'test/crash/load.test.ts > twice ends it at once, while a mint hangs',
      'test/start/drain.test.ts > an agent that watches notices nothing of a stop',
    ],
  },
  {
    fault: 'Approvers answer twice, late, for themselves, or for another plan',
    injection: 'the service itself; simulation',
    promises: 'P15',
    tests: [`${LIFE} > P15: a person decides what cannot be undone`, SIMULATED],
  },
  {
    fault: 'Cross-site and cross-role calls of the admin API',
    injection: 'every route by every role',
    promises: 'P14',
    tests: [
      'test/admin/authorization.test.ts > every route × every caller',
      'test/admin/hardening.test.ts > refused, read or write',
    ],
  },
  {
    fault: 'Secrets anywhere but in the one answer',
    injection: 'canaries in every credential',
    promises: 'P8',
    tests: ['test/crash/canary.test.ts > no secret of a lease and no bearer token is in the ledger', SIMULATED],
  },
]
