import type { Path } from '../document.ts'
import type { Draft } from '../draft.ts'
import type { Setting } from './setting.ts'
import type { HostNames } from './variables.ts'

/** A role, as a map that has all that it says. */
export type Role = {
  before: string
  /** The service that it becomes. */
  name: string
  isPrimary: boolean
  hosts: readonly Host[]
  own: Draft
  from: Path
}

export type Host = { address: string; tags: readonly string[]; from: Path }

/** What the parts of the translation know of the file. */
export type Kamal = {
  setting: Setting
  /** The whole file. */
  top: Draft
  roles: readonly Role[]
  /** The names of servers, by their addresses. */
  servers: ReadonlyMap<string, string>
  hosts: HostNames
}
