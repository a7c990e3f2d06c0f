import { offboardingContract } from '../../contract/offboarding.ts'
import { tmpLedger } from '../../support/tmp-ledger.ts'

offboardingContract('on SQLite', () => tmpLedger())
