import { HOUR_MS, type IssuerPreset, TEN_MINUTES_MS } from './preset.ts'

const RECYCLED = 'paths and names can be taken over by others; use the claim that ends in _id'
const MERGE_REQUESTS = new Set<unknown>(['merge_request_event', 'external_pull_request_event'])

/**
 * GitLab CI `id_tokens`, of gitlab.com or an instance of one's own.
 *
 * @see https://docs.gitlab.com/ci/secrets/id_token_authentication/
 */
export const GITLAB_PRESET: IssuerPreset = {
  algorithms: ['RS256'],
  maxTokenAgeMs: TEN_MINUTES_MS,
  maxLifetimeMs: HOUR_MS,
  fields: {},
  subject: ['namespace_id', 'project_id', 'ref_path'],
  pins: ['/namespace_id', '/project_id'],
  unfit: {
    '/sub': "GitLab's sub is configurable and made of paths; use project_id and the like",
    '/project_path': RECYCLED,
    '/namespace_path': RECYCLED,
    '/user_login': RECYCLED,
    '/user_email': RECYCLED,
  },
  textsOnly: true,
  presetChecks: [
    {
      name: 'project_id',
      problem: ({ project_id: project, namespace_id: namespace }) =>
        [project, namespace].every((id) => typeof id === 'string' && /^[1-9]\d{0,19}$/.test(id))
          ? undefined
          : 'A token of GitLab CI has project_id and namespace_id, both numbers written as text.',
    },
    {
      name: 'ref_protected',
      problem({ ref_protected: isProtected }, { decides }) {
        if (isProtected !== 'true' && isProtected !== 'false') {
          return 'The ref_protected of GitLab is the text "true" or "false".'
        }
        if (isProtected === 'true' || decides('/ref_protected') || decides('/environment_protected')) return undefined
        return 'Anyone with push access can create an unprotected ref; to allow it, set a condition on ref_protected.'
      },
    },
    {
      name: 'pipeline_source',
      problem({ pipeline_source: source, ref_protected: isProtected }, { decides }) {
        if (typeof source !== 'string' || source === '') return 'A token of GitLab CI has a pipeline_source.'
        // A child pipeline does not say whether its parent is that of a merge request; a protected ref does.
        const hidesOrigin = source === 'parent_pipeline' && isProtected !== 'true'
        if (!(MERGE_REQUESTS.has(source) || hidesOrigin) || decides('/pipeline_source')) return undefined
        return 'Pipelines of merge requests, and perhaps their child pipelines, run what a contributor wrote, also from forks; to allow them, set a condition on pipeline_source.'
      },
    },
  ],
}
