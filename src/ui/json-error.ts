import { InvalidConfig, type Problem } from '../config/problem.ts'
import { failedReleaseIn } from '../deploy/failed-release.ts'
import { JijiError } from '../errors.ts'

/** The problems come along where the configuration is what is wrong, and what serves now where a release failed. */
export function jsonError(error: unknown): object {
  if (!(error instanceof JijiError))
    return {
      schemaVersion: 1,
      error: { code: 'fault', message: error instanceof Error ? error.message : String(error) },
    }
  const { code, message, hint, server } = error
  const problems = error instanceof InvalidConfig ? { problems: error.problems, ...warningsIn(error) } : {}
  const services = failedReleaseIn(error)?.services
  return {
    schemaVersion: 1,
    error: { code, message, ...(hint ? { hint } : {}), ...(server ? { server } : {}) },
    ...problems,
    ...(services ? { services } : {}),
  }
}

function warningsIn({ warnings }: InvalidConfig): { warnings?: readonly Problem[] } {
  return warnings.length > 0 ? { warnings } : {}
}
