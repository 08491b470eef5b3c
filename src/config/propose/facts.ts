import type { DockerfileFacts } from './dockerfile.ts'
import type { Process } from './procfile.ts'

/** What can be seen of a project without being told. */
export type Facts = {
  /** The name of its folder. */
  folder: string
  dockerfile: DockerfileFacts | undefined
  processes: readonly Process[]
  packageName: string | undefined
  /** Where it is on GitHub. */
  github: { owner: string; repository: string } | undefined
  branch: string | undefined
  isRails: boolean
}

/** What somebody was asked, or said with an option. */
export type Answers = {
  name: string | undefined
  /** `[user@]host[:port]`. */
  servers: readonly string[]
  domain: string | undefined
  port: string | undefined
  /** The host of a registry; without one servers pull from this machine. */
  registry: string | undefined
}
