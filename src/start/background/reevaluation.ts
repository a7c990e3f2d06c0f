import { RuleWatch } from '../../grants/reevaluate/rule-watch.ts'
import type { Grants } from '../grants.ts'
import { definePart } from '../part.ts'
import { createRulesReader, type RuleSources } from '../rules/rules-in-force.ts'
import type { Surroundings } from '../surroundings.ts'

type Needs = Surroundings & Omit<RuleSources, 'liveConfig'> & { readonly grants: Grants }

const COMPONENT = 'reevaluation'

/** Judges active grants anew when the rules change. It starts after the sweeper, so that the clock is known. */
export const reevaluation = definePart({
  name: 'reevaluation',
  start(needs: Needs) {
    const { grants, random, partHealth } = needs
    const watch = new RuleWatch({
      ...grants.parts,
      rules: createRulesReader(needs),
      random,
      onProblem: (error) => partHealth.failed(COMPONENT, error),
      onWell: () => partHealth.well(COMPONENT),
      onFindings: (findings) => partHealth.found(COMPONENT, findings),
    })
    watch.start()
    return { value: undefined, stop: () => watch.stop() }
  },
})
