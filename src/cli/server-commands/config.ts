import { loadConfig } from '../../config/load.ts'
import { configSchema } from '../../config/schema.ts'
import { z } from '../../core/documents/schema.ts'
import { type RunCommand, runParser } from '../command.ts'
import { printValue } from '../output.ts'
import { configFile, withConfig } from './serve.ts'

/** `config check | print | schema`. */
export const configCommand: RunCommand = (io) =>
  runParser('config', io, (parser) => {
    parser.description('Check and show the configuration.')
    withConfig(parser.command('check'))
      .description('Validate the file; lists every problem by line.')
      .action((flags: { config?: string }) => {
        loadConfig({ file: configFile(flags, io), env: io.env })
        io.stdout.write('ok\n')
      })
    withConfig(parser.command('print'))
      .description(
        'Print the effective configuration with defaults; durations in milliseconds. Holds paths of secrets, never secrets.',
      )
      .action((flags: { config?: string }) => {
        printValue(io, 'yaml', loadConfig({ file: configFile(flags, io), env: io.env }))
      })
    parser
      .command('schema')
      .description('Print the JSON Schema of the file, for editors.')
      .action(() => printValue(io, 'json', z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })))
  })
