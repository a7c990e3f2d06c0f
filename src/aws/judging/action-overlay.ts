import { CODE_ROWS } from './overlay/code.ts'
import { DATA_ROWS } from './overlay/data.ts'
import { DETECTION_ROWS } from './overlay/detection.ts'
import { EVERYDAY_ROWS } from './overlay/everyday.ts'
import { GENERAL_ROWS } from './overlay/general.ts'
import { IDENTITY_ROWS } from './overlay/identities.ts'
import { NETWORK_ROWS } from './overlay/network.ts'
import type { OverlayRow } from './overlay/row.ts'
import { SECRET_ROWS } from './overlay/secrets.ts'
import { SPENDING_ROWS } from './overlay/spending.ts'

/** Our own facts about actions, one file a kind. The order matters for `level` and `outlives`: the first row that has it wins. */
export const ACTION_OVERLAY: readonly OverlayRow[] = [
  ...GENERAL_ROWS,
  ...IDENTITY_ROWS,
  ...CODE_ROWS,
  ...NETWORK_ROWS,
  ...DETECTION_ROWS,
  ...SPENDING_ROWS,
  ...DATA_ROWS,
  ...SECRET_ROWS,
  ...EVERYDAY_ROWS,
]
