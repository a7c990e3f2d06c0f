import { loadConfig } from '../../config/load.ts'
import { configSchema } from '../../config/schema.ts'
import { z } from '../../core/schema.ts'
import { type RunCommand, runParser } from '../command.ts'
import { printValue } from '../output.ts'
import { configFile, withConfig } from './serve.ts'

/** `config check | print | schema`. */
export const configCommand: RunCommand = (io) =>
  runParser('config', io, (parser) => {
    parser.description('Check and show the configuration.')
    withConfig(parser.command('check'))
      .description('Say whether the file can be used; lists every problem by line.')
      .action((flags: { config?: string }) => {
        loadConfig({ file: configFile(flags, io), env: io.env })
        io.stdout.write('ok\n')
      })
    withConfig(parser.command('print'))
      .description(
        'Print it as it is understood, with defaults; durations in milliseconds. It holds no secrets, only paths of them.',
      )
      .action((flags: { config?: string }) => {
        printValue(io, 'yaml', loadConfig({ file: configFile(flags, io), env: io.env }))
      })
    parser
      .command('schema')
      .description('Print the JSON Schema of the file, for editors.')
      .action(() => printValue(io, 'json', z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })))
  })
