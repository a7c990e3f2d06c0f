import { ledgerContract } from '../../contract/ledger.ts'
import { tmpLedger } from '../../support/tmp-ledger.ts'

ledgerContract('SqliteLedger', () => tmpLedger({ maxUnregistered: 3 }))
