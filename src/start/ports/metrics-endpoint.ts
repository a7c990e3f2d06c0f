import type { Metrics } from '../../metrics/metrics.ts'
import { startMetricsEndpoint } from '../../metrics/metrics-endpoint.ts'
import { definePart, type Started } from '../part.ts'
import type { Refusals } from '../refusals.ts'
import type { Surroundings } from '../surroundings.ts'
import type { ConnectionLimits } from './connection-limits.ts'

interface Needs extends Surroundings {
  readonly metrics: Metrics | undefined
  readonly connectionLimits: ConnectionLimits
  readonly refusals: Refusals
}

/** Serves the figures; its value is `host:port`, or undefined where none is configured. */
export const metricsEndpoint = definePart({
  name: 'metricsEndpoint',
  async start({
    config,
    clock,
    logger,
    metrics,
    connectionLimits,
    refusals,
  }: Needs): Promise<Started<string | undefined>> {
    if (!metrics || !config.listen.metrics) return { value: undefined }
    const endpoint = await startMetricsEndpoint({
      ...config.listen.metrics,
      metrics,
      clock,
      onFailed: (error) => logger.error({ err: error }, 'the metrics could not be read'),
      limits: connectionLimits.metrics,
      onRefused: refusals.connection('metrics'),
    })
    return { value: endpoint.address, stop: () => endpoint.stop() }
  },
})
