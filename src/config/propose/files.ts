import type { Config } from '../config.ts'
import type { Draft } from '../draft.ts'
import { type Comment, draftText } from '../draft-text.ts'
import { editorSchema } from '../json-schema.ts'
import { secretNames } from '../settle.ts'
import { envExample } from './env-example.ts'
import { workflow } from './workflow.ts'

/** A file to be written, by its path in the project, and what it is for. */
export type ProposedFile = { path: string; contents: string; about: string }

export const configFile = '.jiji/deploy.yml'
export const envExampleFile = '.env.example'
/** Editors with a YAML language server find the schema by it. */
export const schemaLine = '# yaml-language-server: $schema=schema.json\n'

const advice = '# `jiji validate` checks this file; `jiji docs KEY` explains a key, as in `jiji docs proxy.ssl`.\n'

export type Wanted = {
  draft: Draft
  comments: readonly Comment[]
  /** What the draft says. */
  config: Config
  /** The workflow that deploys it, if one is asked for. */
  github: { branch: string } | undefined
}

/** All that there is to be written for a configuration, but for what is added to files that are there. */
export function proposeFiles({ draft, comments, config, github }: Wanted): ProposedFile[] {
  const names = secretNames(config)
  return [
    {
      path: configFile,
      contents: schemaLine + advice + draftText(draft, comments),
      about: 'what is deployed, and where',
    },
    schemaFile(),
    ...(names.length > 0 ? [{ path: envExampleFile, contents: envExample(names), about: 'the secrets, by name' }] : []),
    ...(github ? [workflowOf(config, github)] : []),
  ]
}

export function schemaFile(): ProposedFile {
  const contents = `${JSON.stringify(editorSchema(), undefined, 2)}\n`
  return { path: '.jiji/schema.json', contents, about: 'its keys, for editors' }
}

export function workflowOf(config: Config, { branch }: { branch: string }): ProposedFile {
  const path = `.github/workflows/deploy${config.environment === undefined ? '' : `.${config.environment}`}.yml`
  return { path, contents: workflow(config, branch), about: 'deploys what is pushed' }
}
