import { actionsOfService, knownServices } from '../../src/aws/action-table.ts'
import { parsePolicyDocument } from '../../src/aws/role-policies/policy-document.ts'
import type { RoleDocuments } from '../../src/aws/role-policies/role-documents.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/many-statements'

/** The policies of a role with this many statements, ten to a document: as large as real ones grow, of all services in turn. */
export function roleOfStatements(count: number): RoleDocuments {
  const services = knownServices()
  const statements = Array.from({ length: count }, (_, at) =>
    statementOf(services[(at * 7) % services.length] ?? 's3', at),
  )
  const documents = Array.from({ length: Math.ceil(count / 10) }, (_, at) => statements.slice(at * 10, at * 10 + 10))
  return {
    roleArn: ROLE,
    identity: documents.map((Statement, at) => ({
      name: `policy-${at}`,
      document: parsePolicyDocument({ Version: '2012-10-17', Statement }, 'identity'),
    })),
    boundary: {
      name: 'boundary',
      document: parsePolicyDocument(
        {
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Action: '*', Resource: '*' },
            {
              Effect: 'Deny',
              Action: '*',
              Resource: '*',
              Condition: { StringEquals: { 'aws:SourceIdentity': ['01JDAAAAAAAAAAAAAAAAAAAAAA'] } },
            },
          ],
        },
        'identity',
      ),
    },
    unreadIdentity: [],
    readAt: new Date('2026-11-21T12:00:00Z'),
  }
}

function statementOf(service: string, at: number): object {
  const names = [...(actionsOfService(service)?.values() ?? [])].map(({ action }) => action)
  const actions =
    at % 3 === 0 ? [`${service}:*`] : at % 3 === 1 ? [`${service}:Get*`, `${service}:List*`] : names.slice(0, 20)
  return {
    Sid: `S${at}`,
    Effect: at % 20 === 19 ? 'Deny' : 'Allow',
    Action: actions,
    Resource:
      at % 4 === 0
        ? '*'
        : [
            `arn:aws:${service}:eu-west-1:123456789012:thing/a${at}/*`,
            `arn:aws:${service}:*:123456789012:other/${at}-*`,
          ],
    ...(at % 5 === 0 && { Condition: { StringEquals: { 'aws:ResourceTag/env': ['dev', 'test'] } } }),
  }
}
