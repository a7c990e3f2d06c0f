// Writes helm/defaults.yaml: the values of helm/values.yaml without their comments, for the chart's own templates, which
// cannot read values.yaml itself.
import { readFileSync, writeFileSync } from 'node:fs'
import { parse, stringify } from 'yaml'

const HEAD = '# Written by npm run generate:chart out of values.yaml.\n'
const values = parse(readFileSync('helm/values.yaml', 'utf8'))
writeFileSync('helm/defaults.yaml', HEAD + stringify(values, { aliasDuplicateObjects: false }))
