import { parseArgs } from 'node:util'

/** What a child of the bench can be; each is loaded alone, so that a broker's start is the broker's own. */
const ROLES: Readonly<Record<string, () => Promise<void>>> = {
  broker: async () => (await import('./roles/broker.ts')).runBroker(),
  client: async () => (await import('./roles/client.ts')).runClient(),
  sts: async () => (await import('./roles/sts.ts')).runSts(),
  echo: async () => (await import('./roles/echo.ts')).runEcho(),
  ledger: async () => (await import('./roles/ledger.ts')).runLedger(),
  identity: async () => (await import('./roles/identity.ts')).runIdentity(),
  handshakes: async () => (await import('./roles/handshakes.ts')).runHandshakes(),
  attacker: async () => (await import('./roles/attacker.ts')).runAttacker(),
  minter: async () => (await import('./roles/minter.ts')).runMinter(),
}

/**
 * `npm run bench`: the whole of it, some minutes. `-- --out FILE` writes JSON too, and `--page FILE` puts the tables into a
 * Markdown page; `--quick` works with a tenth of the grants; `--smoke` only shows that every part runs, and judges no figure;
 * `--only identity,drain` runs those parts alone.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      page: { type: 'string' },
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      only: { type: 'string' },
      role: { type: 'string' },
    },
  })
  if (values.role !== undefined) return ROLES[values.role]?.()
  const { runBench } = await import('./run-bench.ts')
  const { SCALES } = await import('./scale.ts')
  const scale = SCALES[values.smoke ? 'smoke' : values.quick ? 'quick' : 'full']
  await runBench({ scale, outFile: values.out, pageFile: values.page, only: values.only })
}

await main()
