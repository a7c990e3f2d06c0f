import type { Clock } from '../../src/core/clock.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Canaries, CanaryAnswer, CanaryRole } from '../../src/credentials/canary.ts'
import type { IssuedCredentials } from '../../src/credentials/provider.ts'
import { ROLE } from './fake-provider.ts'

/** Canaries in memory, in the test's hands. */
export class FakeCanaries implements Canaries {
  /** False: no deny list has one. */
  configured = false
  /** Grants whose sessions the document in force denies. */
  readonly denied = new Set<string>()
  readonly minted: string[] = []
  looks = 0
  /** Called before each mint: throw to fail it. */
  beforeMint: () => void = () => {}
  readonly #clock: Clock
  readonly #grants = new WeakMap<IssuedCredentials, string>()

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  find(): CanaryRole | undefined {
    return this.configured ? { roleArn: ROLE, access: { actions: ['iam:GetRole'], resources: [ROLE] } } : undefined
  }

  async mint(_listKey: string, { grant }: { grant: { id: string } }): Promise<IssuedCredentials> {
    this.beforeMint()
    this.minted.push(grant.id)
    const issuedAt = this.#clock.now()
    const credentials: IssuedCredentials = {
      kind: 'aws',
      id: `CANARY-KEY-${this.minted.length}`,
      accessKeyId: `CANARY-KEY-${this.minted.length}`,
      secretAccessKey: new Secret('canary-secret'),
      sessionToken: new Secret('canary-token'),
      issuedAt,
      sessionExpiresAt: new Date(issuedAt.getTime() + 900_000),
    }
    this.#grants.set(credentials, grant.id)
    return credentials
  }

  async look(_canary: CanaryRole, credentials: IssuedCredentials): Promise<CanaryAnswer> {
    this.looks += 1
    return { allowed: !this.denied.has(this.#grants.get(credentials) ?? ''), at: this.#clock.now() }
  }
}
