import { posix } from 'node:path'
import type { Draft } from '../draft.ts'
import type { Dependency } from './compose-order.ts'
import type { Setting } from './setting.ts'
import type { HostNames } from './variables.ts'

/** What the translation of one service knows of the others. */
export type ComposeService = {
  setting: Setting
  project: string
  /** The services that are translated: their names before and now. */
  names: ReadonlyMap<string, string>
  hosts: HostNames
  /** The whole file. */
  top: Draft
  dependencies: Dependency[]
  /** The service that the proxy leads to, once there is one. */
  proxied: { by: string | undefined }
}

/** That, and the service itself: its name in the file, and the one that it has now. */
export type One = ComposeService & { before: string; name: string }

/** A path of the file as one of the project; undefined where it leads out of it. */
export function projectPath({ setting }: Pick<One, 'setting'>, path: string): string | undefined {
  const joined = posix.normalize(posix.join(setting.folder, path)).replace(/(?<=.)\/$/, '')
  return joined === '..' || joined.startsWith('../') || joined.startsWith('/') ? undefined : joined
}
