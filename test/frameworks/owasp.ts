import type { Framework } from './control.ts'
import { NAMED } from './named-tests.ts'

/** OWASP Non-Human Identities Top 10, 2025. */
export const NHI: Framework = {
  name: 'OWASP Non-Human Identities Top 10 (2025)',
  source: 'https://owasp.org/www-project-non-human-identities-top-10/2025/',
  controls: [
    {
      item: 'NHI1:2025',
      about: 'Improper offboarding',
      coverage: 'held',
      says: 'A registration has an owner, an expiry and a review date; past either, nothing new is granted. Offboarding ends every grant and lease of the agent.',
      tests: [NAMED.overdue, NAMED.offboarded, NAMED.reviewed, NAMED.registrationEnds],
    },
    {
      item: 'NHI2:2025',
      about: 'Secret leakage',
      coverage: 'held',
      says: 'A lease exists in memory and in one answer, works for minutes, and can be denied by name. No secret is at rest, in a log or in an error.',
      tests: [NAMED.noSecrets, NAMED.revocation],
    },
    {
      item: 'NHI3:2025',
      about: 'Vulnerable third-party identity',
      coverage: 'partly',
      says: 'Each integration is an agent of its own with policies, budgets and a kill scope of its own. What the third party runs is not seen.',
      tests: [NAMED.budgets, NAMED.killed, NAMED.quota],
    },
    {
      item: 'NHI4:2025',
      about: 'Insecure authentication',
      coverage: 'held',
      says: 'X.509-SVID, JWT-SVID or a token of a configured OIDC issuer; no password, no API key. Every accepted and refused shape is a numbered case.',
      tests: [NAMED.identities],
    },
    {
      item: 'NHI5:2025',
      about: 'Overprivileged identity',
      coverage: 'held',
      says: 'An agent has no standing rights. Each grant allows what its task declares and policy permits, and nothing else.',
      tests: [NAMED.reach, NAMED.neverWider, NAMED.labels],
    },
    {
      item: 'NHI6:2025',
      about: 'Insecure cloud deployment configuration',
      coverage: 'partly',
      says: 'Trust policies, boundary and broker rights come as templates, and stint doctor compares an account with them. Other parts of the account are not looked at.',
      tests: [NAMED.trust, NAMED.rights, NAMED.doctor],
    },
    {
      item: 'NHI7:2025',
      about: 'Long-lived secrets',
      coverage: 'held',
      says: 'Leases last 60 s to 15 min and end to the second, below the least that STS gives. Operator tokens expire after 90 days at the latest.',
      tests: [NAMED.neverLonger, NAMED.toTheSecond],
    },
    {
      item: 'NHI8:2025',
      about: 'Environment isolation',
      coverage: 'held',
      says: 'Labels say what is production; policies permit within a label and forbid what touches it. Trust domains and roles are per environment.',
      tests: [NAMED.labels],
    },
    {
      item: 'NHI9:2025',
      about: 'Reuse of an identity',
      coverage: 'partly',
      says: 'Every grant has a source identity and session names of its own, so two tasks of one agent stay apart. Two programs that share one SVID are one agent.',
      tests: [
        'test/credentials/lease-session.test.ts > a session says by its names and tags which grant it is under, and for whom',
      ],
    },
    {
      item: 'NHI10:2025',
      about: 'Human use of a non-human identity',
      coverage: 'partly',
      says: 'People have operator tokens, which mint nothing; an approver never decides for an agent that the person runs. A person with an SVID in hand looks like the agent.',
      tests: [NAMED.person],
    },
  ],
}

/** OWASP Top 10 for Agentic Applications, 2026. */
export const AGENTIC: Framework = {
  name: 'OWASP Top 10 for Agentic Applications (2026)',
  source: 'https://genai.owasp.org/resource/owasp-top-10-for-agentic-applications-for-2026/',
  controls: [
    {
      item: 'ASI01',
      about: 'Agent goal hijack',
      coverage: 'partly',
      says: 'A hijacked agent has the rights of the task that it declared, and destructive work waits for a person. The hijack itself is not seen.',
      tests: [NAMED.votes, NAMED.neverWider, NAMED.waits],
    },
    {
      item: 'ASI02',
      about: 'Tool misuse and exploitation',
      coverage: 'held',
      says: 'Actions, resources and conditions of a task are compiled into the session policy, so AWS refuses whatever a misused tool tries beyond them.',
      tests: [NAMED.reach, NAMED.neverWider],
    },
    {
      item: 'ASI03',
      about: 'Identity and privilege abuse',
      coverage: 'partly',
      says: 'The agent proves an identity of its own, and an operator never approves an own agent. Delegation between agents is not there yet.',
      tests: [NAMED.votes, NAMED.identities, NAMED.person],
    },
    {
      item: 'ASI04',
      about: 'Agentic supply chain',
      coverage: 'outside',
      says: "What an agent is built from is not seen. Stint's own dependencies are few, pinned, and checked for licences.",
      tests: [],
    },
    {
      item: 'ASI05',
      about: 'Unexpected code execution',
      coverage: 'partly',
      says: 'Credentials can be bound to a network, are served by a loopback endpoint with a token, and allow only the task. The code that runs is not seen.',
      tests: [NAMED.neverWider],
    },
    {
      item: 'ASI06',
      about: 'Memory and context poisoning',
      coverage: 'partly',
      says: 'No policy reads what an agent writes, so a poisoned purpose permits nothing. What the agent remembers is not seen.',
      tests: [NAMED.labels],
    },
    {
      item: 'ASI07',
      about: 'Insecure communication between agents',
      coverage: 'partly',
      says: "Agents talk to the broker over mTLS, and a grant of somebody else's does not exist for a caller. What agents say to each other is not seen.",
      tests: [NAMED.identities],
    },
    {
      item: 'ASI08',
      about: 'Cascading failures',
      coverage: 'held',
      says: 'Limits and budgets by agent, accounts that fail by themselves, and one switch that stops an agent, a team or everything.',
      tests: [NAMED.budgets, NAMED.killed, NAMED.quota, NAMED.hangingAccount],
    },
    {
      item: 'ASI09',
      about: 'Exploitation of human trust',
      coverage: 'held',
      says: "The approver sees facts first; the agent's prose is marked, cut and shown with its control characters. The yes binds to the plan's hash.",
      tests: [NAMED.view, NAMED.votes, NAMED.person],
    },
    {
      item: 'ASI10',
      about: 'Rogue agents',
      coverage: 'partly',
      says: 'Suspend, offboard and kill end what a rogue agent holds. Alarms from the cloud trail are not there yet.',
      tests: [NAMED.killed, NAMED.offboarded, NAMED.revocation],
    },
  ],
}
