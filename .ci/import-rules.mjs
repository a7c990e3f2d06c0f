// Who may import whom in src/. `npm run check:imports` holds it; docs/architecture.md explains it.

/**
 * The rooms from the top down. A room may import the rooms above it, never one below: `grants` knows `policy`, not the
 * reverse. Two rooms that need each other's types share them in a room further up.
 */
export const TREE = [
  'core',
  'identity',
  'registry',
  'aws',
  'plan',
  'policy',
  'ledger',
  'credentials',
  'grants',
  'notice',
  'evidence',
]

/** Each folder of src/, and version.ts, with the rooms that it may import beside itself. */
export const ROOMS = {
  ...Object.fromEntries(TREE.map((room, index) => [room, TREE.slice(0, index)])),
  // IAM as data, and what a task comes to: pure functions.
  aws: ['core'],
  plan: ['core', 'aws'],
  // The gRPC contract as code, which the broker shares with the SDK.
  contract: ['core'],
  // The types of the admin API, for what calls it.
  'admin-client': ['core'],
  // Wraps the seams of the tree from outside; none of them knows of it.
  metrics: ['core', 'ledger', 'credentials', 'grants'],
  // The edges translate and call a room of the tree; they do not know each other.
  grpc: [...TREE, 'contract'],
  admin: TREE,
  // Settings use the rooms' own limits and parsers. Only `start` builds something from them.
  config: TREE,
  start: [...TREE, 'config', 'metrics', 'grpc', 'admin', 'version'],
  // For agents and people, outside the broker's process.
  sdk: ['core', 'identity', 'contract'],
  mcp: ['core', 'sdk'],
  cli: ['core', 'sdk', 'admin-client', 'version'],
  console: ['admin-client'],
  // Commands that run the broker, or a part of it, in their own process.
  'cli/server-commands': [...TREE, 'config', 'start', 'admin/operators', 'admin-client', 'cli', 'version', 'practice'],
  // The stage for the demo and the tests starts everything.
  practice: [...TREE, 'config', 'start', 'admin/operators', 'sdk', 'cli', 'version'],
  version: [],
}

const roomPath = (room) => (room === 'version' ? '^src/version[.]ts$' : `^src/${room}/`)

const roomRules = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `room-${room}`,
  comment: `${room} may import only ${[...allowed, 'itself'].join(', ')}`,
  from: { path: roomPath(room), pathNot: room === 'cli' ? roomPath('cli/server-commands') : [] },
  to: { path: '^src/', pathNot: [room, ...allowed].map(roomPath) },
}))

/** What is inside one room and not for everybody who may import the room. */
const INNER_RULES = [
  {
    name: 'server-commands-are-loaded-by-name',
    comment: 'only cli/main.ts loads the commands that run a part of the broker',
    from: { path: '^src/', pathNot: ['^src/cli/main[.]ts$', '^src/cli/server-commands/'] },
    to: { path: '^src/cli/server-commands/' },
  },
  {
    name: 'stage-for-dev-only',
    comment: 'only `stint dev` and the tests use the practice cloud',
    from: { path: '^src/', pathNot: ['^src/cli/server-commands/dev[.]ts$', '^src/practice/'] },
    to: { path: '^src/practice/' },
  },
  {
    name: 'one-store-behind-the-ledger',
    comment: 'only start knows which store keeps the ledger; the rest calls ledger/ledger.ts',
    from: { path: '^src/', pathNot: ['^src/start/', '^src/ledger/(sqlite|postgres)/'] },
    to: { path: '^src/ledger/(sqlite|postgres)/' },
  },
  {
    name: 'stores-do-not-know-each-other',
    comment: 'what two stores share belongs in ledger/',
    from: { path: '^src/ledger/(sqlite|postgres)/' },
    to: { path: '^src/ledger/(sqlite|postgres)/', pathNot: '^src/ledger/$1/' },
  },
  {
    name: 'one-provider-behind-the-seam',
    comment:
      'only start, and config for its settings, know which provider mints; the rest calls credentials/provider.ts',
    from: { path: '^src/', pathNot: ['^src/(start|config)/', '^src/credentials/aws-sts/'] },
    to: { path: '^src/credentials/[^/]+/' },
  },
  {
    name: 'no-aws-behind-the-seam',
    comment: 'a second provider must not touch grants, ledger or the edges: AWS belongs in credentials/aws-sts',
    from: { path: '^src/(ledger|grants|notice|evidence|grpc|admin)/' },
    // The classes (read, write, destructive, ...) are our own words, not AWS's.
    to: { path: '^src/aws/', pathNot: '^src/aws/action-classes[.]ts$' },
  },
  ...[
    { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    { path: '^src/core/((files|net|process)/|(clock|clock-guard|log)[.]ts$)' },
  ].map((to) => ({
    name: to.path === undefined ? 'pure-of-node' : 'pure-of-core',
    comment: 'aws, plan and the rules of the ledger are pure functions: no files, network, clock or log',
    from: {
      path: ['^src/(aws|plan)/', '^src/ledger/((rules|events)/|records[.]ts$)'],
      pathNot: '^src/aws/(action-table|judging/(model|review))/generate[a-z-]*[.]ts$',
    },
    to,
  })),
  {
    name: 'sdk-parsers-only',
    comment: 'of identity the SDK takes parsers and the Workload API client, not what judges callers',
    from: { path: '^src/sdk/' },
    to: {
      path: '^src/identity/',
      pathNot: [
        '^src/identity/(spiffe-id|bundle/(trust-bundle|bundle-keys|bundle-problems))[.]ts$',
        '^src/identity/workload-api/(choose-svid|endpoint|fetch-jwt-svids|fetch-once|own-identity|x509-context)[.]ts$',
      ],
    },
  },
]

/** What an agent's process loads with the SDK stays small, however long the way of imports. */
const SDK_LOADS = {
  name: 'sdk-loads-little',
  comment: 'through the SDK an agent loads gRPC and the canonical form of JSON, no other package',
  from: { path: '^src/sdk/' },
  to: { path: 'node_modules/', pathNot: 'node_modules/(@grpc/|canonicalize/)', reachable: true },
}

/** A package that shapes what uses it has one home. */
const HOMES = [
  { package: '@aws-sdk', home: ['^src/credentials/aws-sts/', '^src/practice/'] },
  { package: '@smithy', home: ['^src/credentials/aws-sts/'] },
  { package: '@cedar-policy', home: ['^src/policy/'] },
  { package: '@grpc', home: ['^src/(grpc|contract|sdk)/', '^src/identity/workload-api/'] },
  { package: '(@hono|hono)', home: ['^src/admin/'] },
  { package: 'pg', home: ['^src/ledger/postgres/'] },
  { package: 'pino', home: ['^src/core/log[.]ts$'] },
]

const homeRules = [
  ...HOMES.map(({ package: name, home }) => ({ path: `(^|/)node_modules/${name}/`, name, home })),
  { path: '^(node:)?sqlite$', name: 'node:sqlite', home: ['^src/ledger/sqlite/', '^src/practice/stage/'] },
].map(({ path, name, home }) => ({
  name: `home-of-${name}`,
  comment: `${name} is used only in ${home.join(', ')}`,
  from: { path: '^src/', pathNot: home },
  to: { path },
}))

const HYGIENE = [
  {
    name: 'stays-in-src',
    comment: 'src imports nothing of the tests or scripts',
    from: { path: '^src/' },
    to: { path: '^(test|certs|helm|[.]ci)/' },
  },
  {
    name: 'shipped',
    comment: 'a development dependency is not there where the package is installed',
    from: { path: '^src/', pathNot: ['^src/practice/', '^src/aws/action-table/generate[a-z-]*[.]ts$'] },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'resolves',
    comment: 'an import that leads nowhere escapes every other rule',
    from: { path: '^src/' },
    to: { couldNotResolve: true },
  },
  {
    name: 'no-circles',
    comment: 'files import each other, type-only imports included',
    from: {},
    to: { circular: true },
  },
]

/** In dependency-cruiser's form. */
export const RULES = [...roomRules, ...INNER_RULES, SDK_LOADS, ...homeRules, ...HYGIENE].map((rule) => ({
  severity: 'error',
  ...rule,
}))

/** Imports that break a rule for now, each with what ends it. One that no longer breaks a rule has to go from here. */
export const EXCEPTIONS = [
  // Until one walker verifies every source of a chain, and is given a stored one by the store.
  { rule: 'one-store-behind-the-ledger', from: 'src/ledger/audit-verify.ts', to: 'src/ledger/sqlite/audit.ts' },
  {
    rule: 'one-store-behind-the-ledger',
    from: 'src/ledger/audit-verify.ts',
    to: 'src/ledger/sqlite/database/sqlite-database.ts',
  },
]
