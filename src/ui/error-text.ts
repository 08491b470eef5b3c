import { failedReleaseIn } from '../deploy/failed-release.ts'
import { JijiError } from '../errors.ts'
import { servingTable } from './serving.ts'
import { renderTable } from './table.ts'

/** An error with all that is known of it, as wide as it is: for the log of a run. */
export function errorText(error: unknown): string {
  if (!(error instanceof JijiError)) return `a fault: ${error instanceof Error ? error.stack : String(error)}`
  const release = failedReleaseIn(error)
  const { head, rows } = servingTable(release?.services ?? [])
  return [
    `error: ${error.message}`,
    ...(error.hint ? [error.hint] : []),
    ...(error.output ? [error.output.trimEnd().replace(/^/gm, '| ')] : []),
    ...(release ? [renderTable(head, rows)] : []),
  ].join('\n')
}
