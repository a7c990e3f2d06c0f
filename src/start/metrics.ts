import { Metrics } from '../metrics/metrics.ts'
import { definePart } from './part.ts'
import type { Surroundings } from './surroundings.ts'

/** The broker's metrics; undefined without `listen.metrics`, and then nothing is measured. */
export const metrics = definePart({
  name: 'metrics',
  start({ config, version, partHealth, running }: Surroundings) {
    if (!config.listen.metrics) return { value: undefined }
    const value = new Metrics({ version })
    value.onScrape(({ ready, notReadyReason, problems }) => {
      const reasons = running.notReady()
      ready.set(reasons.length === 0 ? 1 : 0)
      notReadyReason.reset()
      for (const { part, code } of reasons) notReadyReason.set({ part, code }, 1)
      problems.reset()
      for (const { component } of partHealth.problems()) problems.inc({ part: partKind(component) })
    })
    return { value }
  },
})

/** The kind of a component, without the id in its name, e.g. `deny` of `deny:boundary:arn:…` and `aws:iam` of `aws:iam:123456789012`. */
function partKind(component: string): string {
  const [kind = '', detail = ''] = component.split(':')
  return kind === 'aws' ? `${kind}:${detail}` : kind
}
