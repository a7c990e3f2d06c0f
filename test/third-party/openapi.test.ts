import { execFile } from 'node:child_process'
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEAF_RECEIVER, LAB, type OpenApiStage, setOpenApiStage } from './openapi-stage.ts'
import { describeWithService } from './service.ts'

const SOURCES = fileURLToPath(new URL('openapi', import.meta.url))
const OWN_MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))
/** Bounds of schemathesis: the same cases every time, and no more than these. */
const SEED = '20261121'
const MAX_EXAMPLES = '15'
/**
 * Calls with rules that a JSON Schema cannot say: one of several parameters, a value that fits its scope, text that a person can read,
 * policies that Cedar can parse, a cursor of the same list.
 */
const BEYOND_SCHEMA = [
  'getReach',
  'getMayReach',
  'setKill',
  'drillKill',
  'assessPolicyImpact',
  'registerAgents',
  'changeRegistration',
]
/** Statuses of their answers to a call that the schema allows; 400 and 422 beside those that the tool expects. */
const ANSWERS = ['2xx', '3xx', '400', '401', '403', '404', '409', '422', '429', '5xx']
/** Statuses that refuse a call against the schema; 413 beside those that the tool expects. */
const REFUSALS = ['400', '401', '403', '404', '405', '406', '409', '413', '415', '422', '428', '429', '5xx']

describeWithService(
  'the OpenAPI document',
  ['STINT_OPENAPI_NODE', 'STINT_OPENAPI_PYTHON'],
  'test/third-party/openapi-tools.sh',
  ({ STINT_OPENAPI_NODE: modules, STINT_OPENAPI_PYTHON: python }) => {
    let stage: OpenApiStage
    beforeAll(async () => {
      stage = await setOpenApiStage()
    })
    afterAll(() => stage?.close())

    /** What a program printed, with its exit code. */
    const run = (file: string, argv: string[], env: Record<string, string> = {}) =>
      new Promise<{ code: number; output: string }>((resolve) => {
        const PATH = [join(python, 'bin'), process.env.PATH].join(':')
        const options = {
          cwd: stage.folder,
          timeout: 170_000,
          env: { PATH, HOME: stage.folder, NO_COLOR: '1', ...env },
        }
        execFile(file, argv, options, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr }),
        )
      })
    const node = (...argv: string[]) => run(process.execPath, argv)
    const clientEnv = (n: 0 | 1) => ({
      ADMIN_URL: stage.url,
      ADMIN_TOKEN: stage.token,
      GRANT_ID: stage.grantIds[n],
      APPROVAL_ID: stage.approvalIds[n],
    })
    const story = {
      operator: 'ada',
      grants: [expect.stringMatching(/^grt_/)],
      access: ['s3:GetObject'],
      leases: 1,
      rejected: 'rejected',
      revoked: 'ending',
      unknown: true,
    }

    test('is clean to redocly', async () => {
      const { code, output } = await node(join(modules, '@redocly/cli/bin/cli.js'), 'lint', stage.documentFile)
      expect([code, output]).toEqual([0, expect.not.stringMatching(/\d+ (warning|error)s?\b/)])
    })

    test('is clean to spectral', async () => {
      const ruleset = ['--ruleset', join(SOURCES, 'spectral.yaml'), '--fail-severity', 'hint']
      const program = join(modules, '@stoplight/spectral-cli/dist/index.js')
      const { code, output } = await node(program, 'lint', stage.documentFile, ...ruleset)
      expect([code, output]).toEqual([0, expect.stringContaining('No results')])
    })

    test('makes a client in TypeScript that compiles and works', async () => {
      const folder = join(stage.folder, 'typescript')
      await mkdir(join(folder, 'node_modules'), { recursive: true })
      for (const name of ['client.ts', 'tsconfig.json', 'package.json'])
        await cp(join(SOURCES, name), join(folder, name))
      for (const name of ['openapi-fetch', 'openapi-typescript-helpers'])
        await symlink(join(modules, name), join(folder, 'node_modules', name))
      await symlink(join(OWN_MODULES, '@types'), join(folder, 'node_modules/@types'))
      await symlink(join(OWN_MODULES, 'undici-types'), join(folder, 'node_modules/undici-types'))
      const generator = join(modules, 'openapi-typescript/bin/cli.js')
      const made = await node(generator, stage.documentFile, '-o', join(folder, 'schema.d.ts'))
      expect(made.code, made.output).toBe(0)
      expect(await node(join(OWN_MODULES, 'typescript/bin/tsc'), '-p', folder)).toEqual({ code: 0, output: '' })
      const { code, output } = await run(process.execPath, [join(folder, 'client.ts')], clientEnv(0))
      expect(code, output).toBe(0)
      expect(JSON.parse(output)).toEqual(story)
    })

    test('makes a client in Python that works', async () => {
      const folder = join(stage.folder, 'python')
      await mkdir(folder)
      const argv = ['generate', '--path', stage.documentFile, '--meta', 'none', '--fail-on-warning']
      const config = join(folder, 'config.yaml')
      await writeFile(config, 'post_hooks: []\n')
      const output = ['--output-path', join(folder, 'stint_admin'), '--config', config]
      const made = await run(join(python, 'bin/openapi-python-client'), [...argv, ...output])
      expect(made.code, made.output).toBe(0)
      const env = { ...clientEnv(1), PYTHONPATH: folder }
      const ran = await run(join(python, 'bin/python'), [join(SOURCES, 'client.py')], env)
      expect(ran.code, ran.output).toBe(0)
      expect(JSON.parse(ran.output)).toEqual(story)
    })

    test('tells of every answer that schemathesis can provoke', { timeout: 180_000 }, async () => {
      const config = join(stage.folder, 'schemathesis.toml')
      // The tool is given what only the API can make: a cursor of each list, and an approval that is pending.
      const [, , approvalId] = stage.approvalIds
      const given = [
        ...Object.entries(stage.cursors).map(([operation, cursor]) => ({
          operation,
          parameter: 'query.cursor',
          value: cursor,
        })),
        ...['approveApproval', 'rejectApproval'].map((operation) => ({
          operation,
          parameter: 'path.id',
          value: approvalId,
        })),
        { operation: 'liftKill', parameter: 'path.id', value: stage.killId },
        { operation: 'changeRegistration', parameter: 'path.name', value: LAB.changed },
        { operation: 'removeRegistration', parameter: 'path.name', value: LAB.removed },
        ...['testWebhook', 'resendNotices'].map((operation) => ({
          operation,
          parameter: 'path.name',
          value: DEAF_RECEIVER,
        })),
      ]
      const names = new Set([...given.map(({ operation }) => operation), ...BEYOND_SCHEMA])
      const operations = [...names].map((operation) => {
        const values = given.filter((one) => one.operation === operation)
        const parameters = values.map(({ parameter, value }) => `"${parameter}" = "${value}"`).join(', ')
        const statuses = `checks.positive_data_acceptance.expected-statuses = ${JSON.stringify(ANSWERS)}\n`
        const accepts = BEYOND_SCHEMA.includes(operation) ? statuses : ''
        return `[[operations]]\ninclude-operation-id = "${operation}"\nparameters = { ${parameters} }\n${accepts}`
      })
      // A body that breaks the schema by its size is refused before anybody reads it.
      operations.push(`[checks.negative_data_rejection]\nexpected-statuses = ${JSON.stringify(REFUSALS)}\n`)
      await writeFile(config, operations.join('\n'))
      const bounds = ['--max-examples', MAX_EXAMPLES, '--seed', SEED, '--generation-database', 'none']
      const { code, output } = await run(join(python, 'bin/schemathesis'), [
        ...['--config-file', config, 'run', stage.documentFile, '--url', stage.url],
        ...['--checks', 'all', '--continue-on-failure', '--header', `Authorization: Bearer ${stage.token}`],
        ...bounds,
      ])
      expect(code, output).toBe(0)
      expect(output).toMatch(/Tested: 42\b/)
      // The tool also warns of calls that are mostly refused: those of BEYOND_SCHEMA.
      expect(output).not.toMatch(/Missing /)
    })
  },
)
