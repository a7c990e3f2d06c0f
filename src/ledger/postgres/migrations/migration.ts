export type { Migration } from '../../schema/migration.ts'
