import type { Framework } from './control.ts'
import { NAMED } from './named-tests.ts'

/** CSA MAESTRO: the seven layers of threats to agentic AI, and those that cross them. */
export const MAESTRO: Framework = {
  name: 'CSA MAESTRO',
  source: 'https://cloudsecurityalliance.org/blog/2025/02/06/agentic-ai-threat-modeling-framework-maestro',
  controls: [
    {
      item: 'Layer 1',
      about: 'Foundation models',
      coverage: 'outside',
      says: 'Models are not seen.',
      tests: [],
    },
    {
      item: 'Layer 2',
      about: 'Data operations',
      coverage: 'partly',
      says: 'Access to cloud data is cut down to ARN patterns, prefixes and tags. What is in the data is not seen.',
      tests: [NAMED.neverWider],
    },
    {
      item: 'Layer 3',
      about: 'Agent frameworks',
      coverage: 'partly',
      says: 'SDK and stint exec hand credentials to the program, never to a model. The framework itself is not seen.',
      tests: [NAMED.noSecrets],
    },
    {
      item: 'Layer 4',
      about: 'Deployment and infrastructure',
      coverage: 'held',
      says: 'Identities come from SPIFFE; the chart is restricted by default, denies traffic both ways, and takes secrets by reference.',
      tests: [NAMED.pod, NAMED.network],
    },
    {
      item: 'Layer 5',
      about: 'Evaluation and observability',
      coverage: 'partly',
      says: 'Every decision is on record and can be checked offline; policies have tests beside them. How well a model does is not measured.',
      tests: [NAMED.export],
    },
    {
      item: 'Layer 6',
      about: 'Security and compliance',
      coverage: 'held',
      says: 'Policy as code with tests, approvals by people, a record that shows tampering, and this table.',
      tests: [NAMED.votes, NAMED.person, NAMED.chains],
    },
    {
      item: 'Layer 7',
      about: 'Agent ecosystem',
      coverage: 'partly',
      says: 'One identity, one set of budgets and one kill scope for each agent. Delegation between agents is not there yet.',
      tests: [NAMED.budgets, NAMED.killed, NAMED.quota],
    },
    {
      item: 'Across layers',
      about: 'Threats that cross layers',
      coverage: 'held',
      says: 'One switch ends what an agent, a team, a role or everybody holds, whichever layer was broken.',
      tests: [NAMED.killed, NAMED.revocation],
    },
  ],
}
