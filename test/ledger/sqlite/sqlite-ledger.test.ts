import { ledgerContract } from '../../contract/ledger.ts'
import { budgetContract } from '../../contract/ledger-budgets.ts'
import { holdContract } from '../../contract/ledger-holds.ts'
import { tmpLedger } from '../../support/tmp-ledger.ts'

ledgerContract('SqliteLedger', () => tmpLedger({ maxUnregistered: 3 }))
budgetContract('SqliteLedger', () => tmpLedger({ maxUnregistered: 3 }))
holdContract('SqliteLedger', () => tmpLedger({ maxUnregistered: 3 }))
