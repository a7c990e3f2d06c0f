import { noticeContract } from '../../contract/notices.ts'
import { tmpLedger } from '../../support/tmp-ledger.ts'

noticeContract('SqliteLedger', () => tmpLedger())
noticeContract('SqliteLedger with a thread that writes', () => tmpLedger({ inThread: true }))
