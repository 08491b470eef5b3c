import type { Config } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import type { Secrets } from '../config/secrets.ts'
import type { Runner } from '../runner/runner.ts'
import type { Builder, Builders } from './builder.ts'
import type { Report } from './event.ts'
import type { Tree } from './version.ts'

/** What every step of building works with. */
export type BuildContext = {
  config: Config
  secrets: Secrets
  /** This machine. */
  here: Runner
  builders: Builders
  tree: Tree
  noCache: boolean
  /** Whether nothing may be written to a registry, nor to another cache. */
  noPush: boolean
  /** What gives builds the cache of GitHub Actions. */
  cacheTokens: readonly Secret[]
  report: Report
  signal: AbortSignal
}

/** The same for one build. */
export type OneBuild = BuildContext & { builder: Builder }
