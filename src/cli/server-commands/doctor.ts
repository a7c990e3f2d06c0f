import { loadConfig } from '../../config/load.ts'
import { systemClock } from '../../core/clock.ts'
import { createLogger } from '../../core/log.ts'
import type { Check } from '../../start/doctor/check.ts'
import { runDoctor } from '../../start/doctor/doctor.ts'
import { type RunCommand, runParser } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { type OutputFormat, printValue, styles, withOutput } from '../output.ts'
import { visible } from '../visible.ts'
import { configFile, withConfig } from './serve.ts'

const LIMIT_MS = 120_000

/** Looks at all that the broker needs; exits with 1 if anything is wrong. */
export const doctorCommand: RunCommand = (io) =>
  runParser('doctor', io, (parser, done) => {
    withOutput(withConfig(parser))
      .description('Check everything the broker needs: files, policies, clock, STS, roles, deny lists, ledger.')
      .action(async (flags: { config?: string; output: OutputFormat }) => {
        const config = loadConfig({ file: configFile(flags, io), env: io.env })
        const deps = { clock: systemClock, logger: createLogger({ level: 'fatal' }) }
        const checks: Check[] = []
        const color = styles(io)
        for await (const check of runDoctor(config, deps, AbortSignal.timeout(LIMIT_MS))) {
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

function summary(checks: readonly Check[]): string {
  const wrong = checks.filter((check) => !check.ok).length
  return wrong === 0 ? `${checks.length} checks, all ok` : `${wrong} of ${checks.length} checks failed`
}
