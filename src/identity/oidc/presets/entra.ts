import { HOUR_MS, type IssuerPreset } from './preset.ts'

const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const ISSUERS = [
  {
    version: '2.0',
    shape: new RegExp(
      `^https://login\\.(?:microsoftonline\\.(?:com|us)|partner\\.microsoftonline\\.cn)/(${GUID})/v2\\.0$`,
    ),
  },
  { version: '1.0', shape: new RegExp(`^https://sts\\.(?:windows\\.net|chinacloudapi\\.cn)/(${GUID})/$`) },
]
const AUDIT_ONLY = 'the facets and the parent of an agent identity are for the record, not for decisions; use oid'

/**
 * Microsoft Entra ID: managed identities, app registrations and agent identities of one tenant, app-only.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export const ENTRA_PRESET: IssuerPreset = {
  algorithms: ['RS256'],
  maxTokenAgeMs: 1.5 * HOUR_MS,
  maxLifetimeMs: 1.5 * HOUR_MS,
  fields: {},
  subject: ['tid', 'oid'],
  pins: ['/tid', '/oid'],
  required: ['/oid'],
  unfit: {
    '/sub': "Entra's sub differs for each application; use oid",
    '/name': 'display names can be changed; use oid',
    '/app_displayname': 'display names can be changed; use oid',
    '/xms_act_fct': AUDIT_ONLY,
    '/xms_sub_fct': AUDIT_ONLY,
    '/xms_par_app_azp': AUDIT_ONLY,
  },
  partyClaims: ['azp', 'appid'],
  jwksHosts: ['login.microsoftonline.com', 'login.windows.net'],
  presetChecks: [
    {
      name: 'tid',
      problem({ tid, ver }, { issuer }) {
        const found = entraIssuer(issuer)
        if (tid !== found?.tenant) return 'The tid of the token is not the tenant of its issuer.'
        return ver === found?.version ? undefined : 'The ver of the token does not fit its issuer.'
      },
    },
    {
      name: 'oid',
      problem: ({ oid }) =>
        typeof oid === 'string' && new RegExp(`^${GUID}$`).test(oid)
          ? undefined
          : 'A token of Entra names its object by oid.',
    },
    {
      name: 'idtyp',
      problem: ({ idtyp, scp }) =>
        idtyp === 'app' && scp === undefined
          ? undefined
          : 'Only app-only tokens are accepted: idtyp must be app (an optional claim, to be switched on for our application), without scp.',
    },
    {
      name: 'azpacr',
      problem({ azpacr, appidacr }, { decides }) {
        const used = azpacr ?? appidacr
        if (used === '2' || decides('/azpacr') || decides('/appidacr')) return undefined
        return 'The client must have proved itself by a certificate or a managed identity (azpacr or appidacr 2), not by a client secret.'
      },
    },
  ],
  facets: { actorFacets: '/xms_act_fct', subjectFacets: '/xms_sub_fct', parentApp: '/xms_par_app_azp' },
  issuerProblem: (issuer) =>
    entraIssuer(issuer)
      ? undefined
      : 'must name one tenant by its id, as https://login.microsoftonline.com/TENANT/v2.0 or https://sts.windows.net/TENANT/; common, organizations and consumers let every tenant in',
}

function entraIssuer(issuer: string): { tenant: string; version: string } | undefined {
  for (const { version, shape } of ISSUERS) {
    const tenant = shape.exec(issuer)?.[1]
    if (tenant !== undefined) return { tenant, version }
  }
  return undefined
}
