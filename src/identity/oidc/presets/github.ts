import { HOUR_MS, type IssuerPreset, TEN_MINUTES_MS } from './preset.ts'

const RECYCLED = 'names of repositories, owners and people can be taken over by others; use the claim that ends in _id'

/**
 * GitHub Actions.
 *
 * @see https://docs.github.com/actions/reference/security/oidc
 */
export const GITHUB_PRESET: IssuerPreset = {
  algorithms: ['RS256'],
  maxTokenAgeMs: TEN_MINUTES_MS,
  maxLifetimeMs: HOUR_MS,
  fields: {},
  subject: ['repository_owner_id', 'repository_id', 'ref'],
  pins: ['/repository_owner_id', '/repository_id', '/enterprise_id'],
  unfit: {
    '/sub':
      "GitHub's sub is customisable, and its older form holds names that can be reused; use repository_id and the like",
    '/repository': RECYCLED,
    '/repository_owner': RECYCLED,
    '/actor': RECYCLED,
    '/enterprise': RECYCLED,
    '/head_ref': 'the source branch of a pull request is chosen by whoever opens it',
  },
  textsOnly: true,
  presetChecks: [
    {
      name: 'repository_id',
      problem: ({ repository_id: repository, repository_owner_id: owner }) =>
        [repository, owner].every((id) => typeof id === 'string' && /^[1-9]\d{0,19}$/.test(id))
          ? undefined
          : 'A token of GitHub Actions has repository_id and repository_owner_id, both numbers written as text.',
    },
    {
      name: 'event_name',
      problem({ event_name: event }, { decides }) {
        if (typeof event !== 'string' || event === '') return 'A token of GitHub Actions has an event_name.'
        if (!event.startsWith('pull_request') || decides('/event_name')) return undefined
        return 'Workflows of pull requests run what a contributor wrote; to allow the event, set a condition on event_name.'
      },
    },
  ],
  audienceProblem: (audience) =>
    /^(https:\/\/)?github\.com(\/|$)/i.test(audience)
      ? "is GitHub's default for every token; use an identifier that only this service has"
      : undefined,
}
