import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Runner } from '../runner/runner.ts'
import type { Builder } from './builder.ts'
import type { Report } from './event.ts'
import type { Tree } from './version.ts'

/** What every step of building works with. */
export type BuildContext = {
  config: Config
  secrets: Secrets
  /** This machine. */
  here: Runner
  builder: Builder
  tree: Tree
  noCache: boolean
  report: Report
  signal: AbortSignal
}
