import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { systemClock } from '../../core/clock.ts'
import { createLogger } from '../../core/log.ts'
import type { Check } from '../../start/doctor/check.ts'
import { runDoctor } from '../../start/doctor/doctor.ts'
import { type RunCommand, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { type OutputFormat, printValue, styles, withOutput } from '../output.ts'
import { visible } from '../visible.ts'
import { withSlash } from './aws.ts'
import { configFile, withConfig } from './serve.ts'

const LIMIT_MS = 120_000
/** For each account that the configuration lists: sixteen are looked at side by side, and some may hang. */
const PER_ACCOUNT_MS = 4_000

/** Looks at all that the broker needs; exits with 1 if anything is wrong. */
export const doctorCommand: RunCommand = (io) =>
  runParser('doctor', io, (parser, done) => {
    withOutput(withConfig(parser))
      .description('Check everything the broker needs: files, policies, clock, STS, roles, deny lists, ledger.')
      .option(
        '--role <path/name...>',
        'roles that the configuration names by a pattern: check that each listed account trusts',
      )
      .action(async (flags: { config?: string; output: OutputFormat; role?: readonly string[] }) => {
        const config = loadConfig({ file: configFile(flags, io), env: io.env })
        const roleNames = (flags.role ?? []).map(withSlash)
        const deps = { clock: systemClock, logger: createLogger({ level: 'fatal' }), roleNames }
        const checks: Check[] = []
        const color = styles(io)
        for await (const check of runDoctor(config, deps, AbortSignal.timeout(limitMs(config)))) {
          checks.push(check)
          if (flags.output !== 'table') continue
          const code = check.code === undefined ? '' : `${check.code}: `
          const mark = check.ok ? color.green('ok  ') : color.red('FAIL')
          io.stdout.write(`${mark}  ${visible(check.name)}: ${code}${visible(check.finding)}\n`)
        }
        const ok = checks.every((check) => check.ok)
        if (flags.output !== 'table') printValue(io, flags.output, { ok, checks })
        else io.stdout.write(`${summary(checks)}\n`)
        done(ok ? EXIT.ok : EXIT.error)
      })
  })

function limitMs({ roles }: Pick<Config, 'roles'>): number {
  const accounts = new Set(roles.flatMap((role) => role.accounts ?? []))
  return LIMIT_MS + PER_ACCOUNT_MS * accounts.size
}

function summary(checks: readonly Check[]): string {
  const wrong = checks.filter((check) => !check.ok).length
  return wrong === 0 ? `${checks.length} checks, all ok` : `${wrong} of ${checks.length} checks failed`
}
