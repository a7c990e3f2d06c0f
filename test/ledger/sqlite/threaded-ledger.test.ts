import { ledgerContract } from '../../contract/ledger.ts'
import { tmpLedger } from '../../support/tmp-ledger.ts'

ledgerContract('SqliteLedger with a thread', () => tmpLedger({ maxUnregistered: 3, inThread: true }))
