import { ledgerContract } from '../../contract/ledger.ts'
import { budgetContract } from '../../contract/ledger-budgets.ts'
import { holdContract } from '../../contract/ledger-holds.ts'
import { tmpLedger } from '../../support/tmp-ledger.ts'

ledgerContract('SqliteLedger with a thread', () => tmpLedger({ maxUnregistered: 3, inThread: true }))
budgetContract('SqliteLedger with a thread', () => tmpLedger({ maxUnregistered: 3, inThread: true }))
holdContract('SqliteLedger with a thread', () => tmpLedger({ maxUnregistered: 3, inThread: true }))
