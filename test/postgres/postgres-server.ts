import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PgServer } from '../../src/ledger/postgres/database/pg-server.ts'

const run = promisify(execFile)
const FOLDER = '/usr/lib/postgresql'
const USER = 'stint'
export const PASSWORD = 'a password that must show nowhere'

/** The programs of the newest PostgreSQL of this machine that Debian's packages have put there. */
export function postgresPrograms(): string | undefined {
  const given = process.env.STINT_POSTGRES_BIN
  if (given) return given
  if (!existsSync(FOLDER)) return undefined
  const versions = readdirSync(FOLDER).filter((name) => existsSync(join(FOLDER, name, 'bin', 'initdb')))
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1)
  return newest && join(FOLDER, newest, 'bin')
}

/** A PostgreSQL server on loopback in a folder of its own. */
export class PostgresServer {
  readonly folder: string
  readonly port: number
  readonly #bin: string

  private constructor(folder: string, port: number, bin: string) {
    this.folder = folder
    this.port = port
    this.#bin = bin
  }

  /** @param settings lines of postgresql.conf, e.g. `fsync = off` */
  static async start(settings: readonly string[] = []): Promise<PostgresServer> {
    const bin = postgresPrograms()
    if (!bin) throw new Error('there is no PostgreSQL on this machine')
    const folder = mkdtempSync(join(process.env.STINT_POSTGRES_RUN ?? tmpdir(), 'server-'))
    chmodSync(folder, 0o755)
    const server = new PostgresServer(folder, await freePort(), bin)
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`)
    mkdirSync(server.data)
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'postgres', folder])
    await server.program('initdb', ['-D', server.data, '-U', USER, '--pwfile', join(folder, 'password'), ...INITDB])
    await server.configure(settings)
    await server.up()
    return server
  }

  /** A standby that follows a server from now on, until it is promoted. */
  static async standbyOf(primary: PostgresServer): Promise<PostgresServer> {
    const folder = mkdtempSync(join(process.env.STINT_POSTGRES_RUN ?? tmpdir(), 'server-'))
    chmodSync(folder, 0o755)
    const standby = new PostgresServer(folder, await freePort(), primary.#bin)
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'postgres', folder])
    const from = `host=127.0.0.1 port=${primary.port} user=${USER} password='${PASSWORD}'`
    await standby.program('pg_basebackup', ['-D', standby.data, '-d', from, '-R', '-X', 'stream', '-c', 'fast'])
    await standby.configure([])
    await standby.up()
    return standby
  }

  get data(): string {
    return join(this.folder, 'data')
  }

  /** `ledger.postgres` of a broker's configuration, with the password in a file. @param port that of a proxy before this server */
  settings(schema: string, port = this.port) {
    const passwordFile = join(this.folder, 'broker-password')
    writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 })
    return { host: '127.0.0.1', port, database: 'postgres', user: USER, schema, passwordFile }
  }

  /** How a ledger reaches it. */
  address(more: Partial<PgServer> = {}): PgServer {
    return {
      host: '127.0.0.1',
      port: this.port,
      database: 'postgres',
      user: USER,
      password: async () => PASSWORD,
      connectWithinMs: 5_000,
      statementWithinMs: 5_000,
      lockWithinMs: 2_000,
      ...more,
    }
  }

  async configure(settings: readonly string[]): Promise<void> {
    const lines = [`port = ${this.port}`, `unix_socket_directories = '${this.folder}'`, ...BASE, ...settings]
    const file = join(this.data, 'stint.conf')
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o644 })
    await this.asUser('sh', [
      '-c',
      `grep -q stint.conf "$1" || echo "include 'stint.conf'" >> "$1"`,
      'sh',
      join(this.data, 'postgresql.conf'),
    ])
  }

  async up(): Promise<void> {
    await this.program('pg_ctl', ['-D', this.data, '-w', '-t', '60', '-l', join(this.folder, 'log'), 'start'])
  }

  /** @param mode `immediate` is a crash: what was not flushed is gone */
  async down(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.program('pg_ctl', ['-D', this.data, '-w', '-t', '60', '-m', mode, 'stop'])
  }

  async reload(): Promise<void> {
    await this.program('pg_ctl', ['-D', this.data, 'reload'])
  }

  async dispose(): Promise<void> {
    await this.down('immediate').catch(() => undefined)
    rmSync(this.folder, { recursive: true, force: true })
  }

  async program(name: string, args: readonly string[]): Promise<void> {
    await this.asUser(join(this.#bin, name), args)
  }

  /** The server refuses to run as root. */
  async asUser(program: string, args: readonly string[]): Promise<void> {
    const [command, all] = this.#command(program, args)
    await run(command, all, { timeout: 120_000, cwd: '/' })
  }

  #command(program: string, args: readonly string[]): [string, string[]] {
    return process.getuid?.() === 0 ? ['runuser', ['-u', 'postgres', '--', program, ...args]] : [program, [...args]]
  }
}

const INITDB = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', '--no-sync']
const BASE = ["listen_addresses = '127.0.0.1'", 'max_connections = 60', 'shared_buffers = 64MB']

/** A port on which nobody listens now. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
