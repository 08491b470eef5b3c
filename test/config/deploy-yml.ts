import type { Config } from '../../src/config/config.ts'
import { loadConfig, readConfig } from '../../src/config/load.ts'
import type { Problem } from '../../src/config/problem.ts'
import { folderWith } from './folder.ts'

/** The smallest configuration that is whole. */
export const smallest = `project: myapp
servers:
  web1: {host: web1.example.com}
services:
  web: {image: redis:7, hosts: [web1]}
`

/** A configuration from the text of its file; with `over`, an environment called staging is laid over it. */
export function configOf(text: string, over?: string, files: Readonly<Record<string, string>> = {}): Config {
  return loadConfig(wanted(text, over, files))
}

export function problemsOf(text: string, over?: string, files: Readonly<Record<string, string>> = {}): Problem[] {
  return readConfig(wanted(text, over, files)).problems
}

/** `line:column path code message (hint)`, as a person would read them out. */
export function linesOf(problems: readonly Problem[]): string[] {
  return problems.map(
    ({ line, column, path, code, message, hint }) =>
      `${line}:${column} ${path || '-'} ${code}: ${message}${hint ? ` (${hint})` : ''}`,
  )
}

function wanted(text: string, over: string | undefined, files: Readonly<Record<string, string>>) {
  const overlay = over === undefined ? {} : { '.jiji/deploy.staging.yml': over }
  const directory = folderWith({ Dockerfile: 'FROM scratch\n', '.jiji/deploy.yml': text, ...overlay, ...files })
  return { directory, environment: over === undefined ? undefined : 'staging' }
}
