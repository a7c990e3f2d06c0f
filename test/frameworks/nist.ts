import type { Framework } from './control.ts'
import { NAMED } from './named-tests.ts'

/** NIST AI Risk Management Framework 1.0: the subcategories that a broker of credentials can serve. */
export const AI_RMF: Framework = {
  name: 'NIST AI RMF 1.0',
  source: 'https://doi.org/10.6028/NIST.AI.100-1',
  controls: [
    {
      item: 'GOVERN 1.6',
      about: 'An inventory of AI systems',
      coverage: 'partly',
      says: 'Every agent that gets credentials has a registration with owner, team, purpose, expiry and review date; unregistered callers are listed. AI systems that need no cloud credentials are not.',
      tests: [NAMED.overdue, NAMED.reviewed, NAMED.registrationEnds],
    },
    {
      item: 'GOVERN 1.7',
      about: 'Safe decommissioning',
      coverage: 'held',
      says: 'Offboarding an agent ends its grants, denies its sessions and keeps it out until somebody registers it again.',
      tests: [NAMED.offboarded, NAMED.revocation],
    },
    {
      item: 'GOVERN 2.1',
      about: 'Documented roles and responsibilities',
      coverage: 'held',
      says: 'Operators have roles and groups; each registration names an owner; every action of a person is on record under the name.',
      tests: [NAMED.scopes, NAMED.operatorLeaves],
    },
    {
      item: 'GOVERN 3.2',
      about: 'Roles in human oversight',
      coverage: 'held',
      says: 'Policy says which groups, and how many of their people, decide on which work. Nobody decides for an agent that they run.',
      tests: [NAMED.votes, NAMED.person, NAMED.waits],
    },
    {
      item: 'MAP 3.5',
      about: 'Processes of human oversight',
      coverage: 'held',
      says: 'Destructive work, changes of permissions and escalation wait for people, by default.',
      tests: [NAMED.view, NAMED.votes, NAMED.waits],
    },
    {
      item: 'MEASURE 2.4',
      about: 'Behaviour is monitored in production',
      coverage: 'partly',
      says: "Requests, denials, grants, leases and what agents report are on record and measured. What an agent did in the cloud stands in the cloud's own log.",
      tests: [NAMED.notices, NAMED.recorded, 'test/metrics/metrics.test.ts > a refusal is counted by its code'],
    },
    {
      item: 'MEASURE 2.7',
      about: 'Security and resilience are evaluated',
      coverage: 'held',
      says: 'Every promise has tests that try to break it, also by crashes between two steps; the table of faults has the last result of each.',
      tests: [NAMED.failpoints],
    },
    {
      item: 'MANAGE 2.4',
      about: 'Means to supersede, disengage or deactivate',
      coverage: 'held',
      says: 'Revoke a grant, suspend an agent, or kill a scope: nothing is issued from then on, and live sessions are denied.',
      tests: [NAMED.killed, NAMED.killedEverywhere, NAMED.offboarded, NAMED.revocation],
    },
    {
      item: 'MANAGE 4.1',
      about: 'Monitoring, incident response and recovery after deployment',
      coverage: 'partly',
      says: 'Drills, an audit record and a restore that cannot resurrect access. The plan around them is yours.',
      tests: [NAMED.restored],
    },
  ],
}

/** NIST Cybersecurity Framework 2.0: the subcategories that a broker of credentials can serve. */
export const CSF: Framework = {
  name: 'NIST CSF 2.0',
  source: 'https://doi.org/10.6028/NIST.CSWP.29',
  controls: [
    {
      item: 'ID.AM-02',
      about: 'Inventory of software and services',
      coverage: 'partly',
      says: 'Agents that ask for credentials, known and unknown, are listed. Nothing else is.',
      tests: [NAMED.reviewed, NAMED.registrationEnds],
    },
    {
      item: 'PR.AA-01',
      about: 'Identities and credentials are managed',
      coverage: 'held',
      says: 'Registrations for agents, a row with an expiry for each operator token; leases are made and ended by the broker.',
      tests: [NAMED.overdue, NAMED.registrationEnds, NAMED.operatorLeaves],
    },
    {
      item: 'PR.AA-02',
      about: 'Identities are proofed and bound to credentials',
      coverage: 'partly',
      says: "Every session carries grant, agent and owner as source identity, name and tags. Proofing a workload is the trust domain's or the issuer's part.",
      tests: [
        'test/credentials/lease-session.test.ts > a session says by its names and tags which grant it is under, and for whom',
      ],
    },
    {
      item: 'PR.AA-03',
      about: 'Users and services are authenticated',
      coverage: 'held',
      says: 'Agents by SVID or OIDC token on every call, operators by hashed tokens.',
      tests: [NAMED.identities],
    },
    {
      item: 'PR.AA-04',
      about: 'Identity assertions are protected and verified',
      coverage: 'held',
      says: "A certificate is verified against the roots of its own trust domain, a token by its issuer's keys, audience and life; a copied token is caught by the connection it belongs to.",
      tests: [
        NAMED.identities,
        'test/grants/hostile-callers.test.ts > a token does not get the lease that policy gives to a certificate only',
      ],
    },
    {
      item: 'PR.AA-05',
      about: 'Access is least privilege, with separation of duties',
      coverage: 'held',
      says: 'Deny by default, one class an action, session policies that allow the plan alone, and approvals by people who do not run the agent.',
      tests: [NAMED.votes, NAMED.scopes, NAMED.judgedAgain, NAMED.neverWider, NAMED.labels, NAMED.person],
    },
    {
      item: 'PR.DS-01',
      about: 'Data at rest is protected',
      coverage: 'partly',
      says: 'No secret key, session token or bearer token is ever stored, and tampering with the record shows. Encrypting the disk is yours.',
      tests: [NAMED.noSecrets, NAMED.export],
    },
    {
      item: 'PR.DS-02',
      about: 'Data in transit is protected',
      coverage: 'held',
      says: 'TLS 1.3 without session tickets for agents; the admin API is served over TLS or on loopback.',
      tests: [NAMED.identities],
    },
    {
      item: 'PR.PS-04',
      about: 'Log records are made and available',
      coverage: 'held',
      says: 'A state change and its audit events are one transaction; refusals are on record too.',
      tests: [NAMED.recorded, NAMED.chains],
    },
    {
      item: 'DE.CM-09',
      about: 'Software and its environment are monitored',
      coverage: 'partly',
      says: 'A broken part of the broker shows on the status within seconds. Agents are seen by what they ask for.',
      tests: [
        'test/start/readiness.test.ts > a policy set that breaks later leaves the last good one, and the broker ready',
      ],
    },
    {
      item: 'RS.MI-01',
      about: 'Incidents are contained',
      coverage: 'held',
      says: 'Revocation says when it is in force, and not before; the kill switch stops a scope at once.',
      tests: [
        NAMED.killed,
        NAMED.killedEverywhere,
        NAMED.revocation,
        'test/crash/faults.test.ts > P6: takes the deny and enforces it later',
      ],
    },
    {
      item: 'RC.RP-03',
      about: 'Backups are verified before they are used',
      coverage: 'held',
      says: 'A restored ledger starts quarantined and ends what was issued after the backup.',
      tests: [NAMED.restored],
    },
  ],
}

/** NIST SP 800-207: the seven tenets of zero trust. */
export const ZERO_TRUST: Framework = {
  name: 'NIST SP 800-207, tenets of zero trust',
  source: 'https://doi.org/10.6028/NIST.SP.800-207',
  controls: [
    {
      item: 'Tenet 1',
      about: 'Every data source and service is a resource',
      coverage: 'held',
      says: 'A plan is actions on resource patterns, each classified and labelled.',
      tests: [NAMED.reach, NAMED.neverWider],
    },
    {
      item: 'Tenet 2',
      about: 'All communication is secured, wherever it comes from',
      coverage: 'held',
      says: 'No caller is trusted for its address; mTLS or a verified token on every call.',
      tests: [NAMED.identities, NAMED.attack],
    },
    {
      item: 'Tenet 3',
      about: 'Access is granted per session',
      coverage: 'held',
      says: 'One grant a task, one STS session a lease, minutes each.',
      tests: [NAMED.toTheSecond],
    },
    {
      item: 'Tenet 4',
      about: 'Access follows a dynamic policy',
      coverage: 'held',
      says: 'Policy sees agent, class, labels, conditions, time and what the agent holds already; a change counts at once.',
      tests: [
        NAMED.judgedAgain,
        'test/policy/policy-directory.test.ts > a store follows its directory, keeps the last good set while it is bad, and says so',
      ],
    },
    {
      item: 'Tenet 5',
      about: 'The posture of assets is monitored',
      coverage: 'outside',
      says: 'The posture of the machines that agents run on is what attestation by the trust domain (SPIRE) is for.',
      tests: [],
    },
    {
      item: 'Tenet 6',
      about: 'Authentication and authorisation are dynamic and strict',
      coverage: 'held',
      says: 'Renewal every few minutes is a fresh decision, by the identity, registration and policy of now; doubt yields no credential.',
      tests: [NAMED.failClosed],
    },
    {
      item: 'Tenet 7',
      about: 'Information is collected to improve security',
      coverage: 'partly',
      says: 'The record, metrics and reports of agents are there; the cloud trail is not joined to them yet.',
      tests: [NAMED.recorded],
    },
  ],
}
