import type { Draft } from '../draft.ts'

/** What a translation is told besides the file's text. */
export type Setting = {
  /** How the file is named in remarks. */
  file: string
  /** Its folder, relative to the project's root: `.`, or `deploy`. */
  folder: string
  /** The project's name, where the file does not say it. */
  project: string
  /** As the configuration has them. */
  servers: Draft
  domain: string | undefined
  /** What stands at a path of the project. */
  kindOf: (path: string) => 'file' | 'folder' | undefined
  /** The names in an .env file of the project; undefined where there is none. */
  namesIn: (path: string) => readonly string[] | undefined
}
